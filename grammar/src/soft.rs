//! Soft keywords and other choices that need more than one token of lookahead, made once per logical line so that
//! the grammar stays LR(1).

use crate::token::{Spanned, Tok};

/// Rewrites the tokens of a logical line. `in_match`: the line is directly inside a `match` block.
pub fn resolve(source: &str, tokens: &mut [Spanned], in_match: bool) {
    let Some(first) = tokens.first().copied() else { return };
    match first.1 {
        Tok::Name => {
            let text = &source[first.0 as usize..first.2 as usize];
            if text == "match" && is_match(tokens) {
                tokens[0].1 = Tok::Match;
            } else if text == "case" && in_match {
                tokens[0].1 = Tok::Case;
            }
        }
        Tok::With => with(tokens, 0),
        Tok::Async if tokens.get(1).is_some_and(|t| t.1 == Tok::With) => with(tokens, 1),
        _ => {}
    }
    types(source, tokens);
}

/// `match` heads a statement when the line ends in a colon: no other statement that begins with a name does. Two
/// expressions side by side make it one too, so that a forgotten colon is reported as such.
fn is_match(tokens: &[Spanned]) -> bool {
    let colon = tokens.len() > 2 && tokens[tokens.len() - 1].1 == Tok::Colon;
    let beside = tokens.get(1).is_some_and(|t| {
        t.1.starts_with_operand() || (t.1 == Tok::Not && tokens.get(2).is_some_and(|t| t.1 != Tok::In))
    });
    colon || beside
}

/// `type NAME` begins a statement; nowhere else does a name follow a name.
fn types(source: &str, tokens: &mut [Spanned]) {
    let mut begins = true;
    for i in 0..tokens.len().saturating_sub(1) {
        let (start, token, end) = tokens[i];
        if begins
            && token == Tok::Name
            && tokens[i + 1].1 == Tok::Name
            && &source[start as usize..end as usize] == "type"
        {
            tokens[i].1 = Tok::Type;
        }
        begins = matches!(token, Tok::Semi | Tok::Colon);
    }
}

/// `with (a as b, c):` is a parenthesised list of items; any other `(` begins an expression.
fn with(tokens: &mut [Spanned], at: usize) {
    if tokens.get(at + 1).is_none_or(|t| t.1 != Tok::LParen) {
        return;
    }
    let (mut depth, mut has_as) = (0usize, false);
    for i in at + 1..tokens.len() {
        let token = tokens[i].1;
        if token.opens() || token == Tok::LBrace {
            depth += 1;
        } else if token.closes() {
            depth -= 1;
            if depth == 0 {
                if has_as && tokens.get(i + 1).is_none_or(|t| t.1 == Tok::Colon) {
                    tokens[at].1 = Tok::WithParen;
                }
                return;
            }
        } else if token == Tok::As && depth == 1 {
            has_as = true;
        }
    }
    // The parenthesis is never closed; what is wrong after an `as` is to be found there.
    if has_as {
        tokens[at].1 = Tok::WithParen;
    }
}
