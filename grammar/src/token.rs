//! The tokens of Python 3.13, one table: what logos matches is what the grammar calls a terminal.
//!
//! Tokens carry no text: whoever needs it slices the source. Strings and numbers are matched by their first
//! characters and finished by the scanners in [`crate::scan`], which know CPython's error texts.

use crate::diagnostic::Diagnostic;
use crate::scan;
use logos::Logos;

/// A token with its byte range.
pub type Spanned = (u32, Tok, u32);

#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(error = LexError)]
#[logos(skip r"[ \t\x0C]+")]
#[logos(skip r"\\(\r\n|\r|\n)")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
#[rustfmt::skip]
pub enum Tok {
    // Markers that select what to parse; no source text produces them.
    StartLine,
    StartExpr,
    // Soft keywords where they start a statement, and `with` before a parenthesised list with `as`; see `soft`.
    Match,
    Case,
    Type,
    WithParen,
    // Parts of an f-string; the layout layer makes them.
    FMiddle,
    FMiddleRaw,
    FColon,
    FEnd,
    /// Stands where the lexer failed, so that the parser stops there.
    Error,

    #[regex(r"\r\n|\r|\n")] Newline,
    #[regex(r"[A-Za-z_\u{80}-\u{10FFFF}][A-Za-z0-9_\u{80}-\u{10FFFF}]*", scan::name)] Name,
    #[regex(r"[0-9]", scan::number)]
    #[regex(r"\.[0-9]", scan::number)] Number,
    #[regex(r#"([uU]|[bB][rR]?|[rR][bB]?)?["']"#, scan::string)] Str,
    #[regex(r#"([fF][rR]?|[rR][fF])("""|'''|"|')"#)] FStart,

    #[token("and")] And,
    #[token("as")] As,
    #[token("assert")] Assert,
    #[token("async")] Async,
    #[token("await")] Await,
    #[token("break")] Break,
    #[token("class")] Class,
    #[token("continue")] Continue,
    #[token("def")] Def,
    #[token("del")] Del,
    #[token("elif")] Elif,
    #[token("else")] Else,
    #[token("except")] Except,
    #[token("False")] False,
    #[token("finally")] Finally,
    #[token("for")] For,
    #[token("from")] From,
    #[token("global")] Global,
    #[token("if")] If,
    #[token("import")] Import,
    #[token("in")] In,
    #[token("is")] Is,
    #[token("lambda")] Lambda,
    #[token("None")] None,
    #[token("nonlocal")] Nonlocal,
    #[token("not")] Not,
    #[token("or")] Or,
    #[token("pass")] Pass,
    #[token("raise")] Raise,
    #[token("return")] Return,
    #[token("True")] True,
    #[token("try")] Try,
    #[token("while")] While,
    #[token("with")] With,
    #[token("yield")] Yield,

    #[token("(")] LParen,
    #[token(")")] RParen,
    #[token("[")] LSquare,
    #[token("]")] RSquare,
    #[token("{")] LBrace,
    #[token("}")] RBrace,
    #[token(",")] Comma,
    #[token(":")] Colon,
    #[token(";")] Semi,
    #[token(".")] Dot,
    #[token("...")] Ellipsis,
    #[token("->")] Arrow,
    #[token("@")] At,
    #[token("=")] Assign,
    #[token(":=")] Walrus,
    #[token("!")] Bang,
    #[token("+")] Plus,
    #[token("-")] Minus,
    #[token("*")] Star,
    #[token("**")] DoubleStar,
    #[token("/")] Slash,
    #[token("//")] DoubleSlash,
    #[token("%")] Percent,
    #[token("<<")] LShift,
    #[token(">>")] RShift,
    #[token("&")] Amp,
    #[token("|")] Bar,
    #[token("^")] Caret,
    #[token("~")] Tilde,
    #[token("==")] EqEq,
    #[token("!=")] NotEq,
    #[token("<")] Lt,
    #[token("<=")] LtE,
    #[token(">")] Gt,
    #[token(">=")] GtE,
    /// Not in the grammar; known so that the complaint is about all of it.
    #[token("<>")] LtGt,
    #[token("+=")] PlusEq,
    #[token("-=")] MinusEq,
    #[token("*=")] StarEq,
    #[token("**=")] DoubleStarEq,
    #[token("/=")] SlashEq,
    #[token("//=")] DoubleSlashEq,
    #[token("%=")] PercentEq,
    #[token("<<=")] LShiftEq,
    #[token(">>=")] RShiftEq,
    #[token("&=")] AmpEq,
    #[token("|=")] BarEq,
    #[token("^=")] CaretEq,
    #[token("@=")] AtEq,
}

impl Tok {
    /// A hard keyword of the language.
    pub fn is_keyword(self) -> bool {
        (Tok::And as u8..=Tok::Yield as u8).contains(&(self as u8))
    }

    /// Can this token begin an expression?
    pub fn starts_expression(self) -> bool {
        use Tok::*;
        matches!(
            self,
            Name | Number
                | Str
                | FStart
                | LParen
                | LSquare
                | LBrace
                | Minus
                | Plus
                | Tilde
                | Not
                | Lambda
                | Await
                | None
                | True
                | False
                | Ellipsis
        )
    }

    /// Can this token end an expression?
    pub fn ends_expression(self) -> bool {
        use Tok::*;
        matches!(self, Name | Number | Str | FEnd | RParen | RSquare | RBrace | None | True | False | Ellipsis)
    }

    pub fn opens(self) -> bool {
        matches!(self, Tok::LParen | Tok::LSquare | Tok::LBrace | Tok::FStart)
    }

    pub fn closes(self) -> bool {
        matches!(self, Tok::RParen | Tok::RSquare | Tok::RBrace | Tok::FEnd)
    }

    pub fn is_augmented_assign(self) -> bool {
        (Tok::PlusEq as u8..=Tok::AtEq as u8).contains(&(self as u8))
    }
}

/// Why no token could be made; boxed so that the good path stays small. None: a character no token starts with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LexError(pub Option<Box<Diagnostic>>);

impl Tok {
    /// Can this token begin an operand, where no binary operator or bracket can stand?
    pub fn starts_with_operand(self) -> bool {
        use Tok::*;
        matches!(self, Name | Number | Str | FStart | LBrace | Tilde | Lambda | Await | None | True | False | Ellipsis)
    }
}
