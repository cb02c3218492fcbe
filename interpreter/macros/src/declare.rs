//! From annotated functions to `NativeDef` tables.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Error, Expr, FnArg, Ident, Item, ItemConst, ItemFn, ItemMod, LitStr, Meta, Pat, PatType, Result, Type,
};

/// What a function is declared as.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Function,
    Method,
    ClassMethod,
    StaticMethod,
    Getter,
    Setter,
}

pub fn module(attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut module: ItemMod = syn::parse2(item)?;
    let name = match syn::parse2::<Meta>(attr) {
        Ok(Meta::NameValue(nv)) if nv.path.is_ident("name") => string_of(&nv.value)?,
        _ => module.ident.to_string(),
    };
    let doc = doc_text(&module.attrs);
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new_spanned(&module.ident, "a native module needs a body"));
    };
    let mut init = quote!(None);
    let mut defs = Vec::new();
    let mut consts = Vec::new();
    let mut shims = Vec::new();
    for item in items.iter_mut() {
        match item {
            Item::Fn(f) if is_pub(&f.vis) => {
                if take_attr(&mut f.attrs, "init").is_some() {
                    let ident = &f.sig.ident;
                    init = quote!(Some(#ident));
                    continue;
                }
                let (def, shim) = function(f, Role::Function)?;
                defs.push(def);
                shims.push(shim);
            }
            Item::Const(c) if is_pub(&c.vis) => consts.push(constant(c)?),
            _ => {}
        }
    }
    items.push(Item::Verbatim(quote! {
        /// What the module offers to scripts.
        pub static MODULE: ::conc_interpreter::native::ModuleDef = ::conc_interpreter::native::ModuleDef {
            name: #name,
            doc: #doc,
            functions: &[#(#defs),*],
            consts: &[#(#consts),*],
            init: #init,
        };
        #(#shims)*
    }));
    Ok(quote!(#module))
}

pub fn methods(_attr: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut module: ItemMod = syn::parse2(item)?;
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new_spanned(&module.ident, "a methods module needs a body"));
    };
    let mut defs = Vec::new();
    let mut shims = Vec::new();
    for item in items.iter_mut() {
        let Item::Fn(f) = item else { continue };
        if !is_pub(&f.vis) {
            continue;
        }
        let mut role = Role::Method;
        for (name, r) in [
            ("class_method", Role::ClassMethod),
            ("static_method", Role::StaticMethod),
            ("getter", Role::Getter),
            ("setter", Role::Setter),
        ] {
            if take_attr(&mut f.attrs, name).is_some() {
                role = r;
            }
        }
        let (def, shim) = function(f, role)?;
        defs.push(def);
        shims.push(shim);
    }
    items.push(Item::Verbatim(quote! {
        /// What the type offers to scripts.
        pub static METHODS: &[::conc_interpreter::native::NativeDef] = &[#(#defs),*];
        #(#shims)*
    }));
    Ok(quote!(#module))
}

fn is_pub(vis: &syn::Visibility) -> bool {
    matches!(vis, syn::Visibility::Public(_))
}

fn constant(c: &ItemConst) -> Result<TokenStream> {
    let ident = &c.ident;
    let name = ident.to_string();
    let wrap = match &c.ty {
        ty if is_named(ty, "i64") => quote!(Int),
        ty if is_named(ty, "f64") => quote!(Float),
        ty if is_named(ty, "Value") => quote!(Value),
        _ => quote!(Str),
    };
    Ok(quote!((#name, ::conc_interpreter::native::ConstDef::#wrap(#ident))))
}

/// One parameter as declared.
struct Parameter {
    name: String,
    ty: Type,
    kind: &'static str,
    default: Option<Expr>,
}

/// The table row of a function and the shim that converts its arguments.
fn function(f: &mut ItemFn, role: Role) -> Result<(TokenStream, TokenStream)> {
    let ident = f.sig.ident.clone();
    let plain = ident.to_string();
    let script_name = match take_attr(&mut f.attrs, "name") {
        Some(Attribute { meta: Meta::NameValue(nv), .. }) => string_of(&nv.value)?,
        _ => plain.strip_prefix("r#").unwrap_or(&plain).to_string(),
    };
    let doc = doc_text(&f.attrs);
    let frame = match take_attr(&mut f.attrs, "resumable") {
        Some(Attribute { meta: Meta::List(list), .. }) => {
            let resume = list.tokens;
            quote!(.with_frame(#resume))
        }
        _ => quote!(),
    };
    let mut has_ctx = false;
    let mut unread = quote!();
    let mut params = Vec::new();
    for (i, arg) in f.sig.inputs.iter_mut().enumerate() {
        let FnArg::Typed(arg) = arg else {
            return Err(Error::new_spanned(arg, "native functions take no self"));
        };
        if i == 0 && is_ctx(&arg.ty) {
            has_ctx = true;
            continue;
        }
        if is_named(&arg.ty, "Kwargs") && matches!(&*arg.pat, Pat::Ident(p) if p.ident.to_string().starts_with('_')) {
            unread = quote!(.dropping_keywords());
        }
        params.push(parameter(arg)?);
    }
    let shim = format_ident!("__native_{}", plain.strip_prefix("r#").unwrap_or(&plain));
    let conversions = params.iter().enumerate().map(|(i, p)| convert(i, p, role, &params));
    let names: Vec<Ident> = (0..params.len()).map(|i| format_ident!("p{i}")).collect();
    let ctx = has_ctx.then(|| quote!(cx,));
    let shim_fn = quote! {
        #[allow(unused_variables, clippy::unnecessary_wraps)]
        fn #shim(
            cx: &mut ::conc_interpreter::native::Ctx,
            args: ::conc_interpreter::native::Args<'_>,
        ) -> ::std::result::Result<::conc_interpreter::value::Value, ::conc_interpreter::native::Raised> {
            #(let #names = #conversions;)*
            let result = #ident(#ctx #(#names),*);
            ::conc_interpreter::native::IntoResult::into_result(result, cx)
        }
    };
    let rows = params.iter().map(|p| {
        let name = &p.name;
        let kind = format_ident!("{}", p.kind);
        let required = p.default.is_none() && !is_option(&p.ty) && p.kind != "VarArgs" && p.kind != "VarKeywords";
        let default = match &p.default {
            Some(e) => quote!(#e).to_string(),
            None => "None".to_string(),
        };
        quote!(::conc_interpreter::native::Param {
            name: #name,
            kind: ::conc_interpreter::native::ParamKind::#kind,
            required: #required,
            default: #default,
        })
    });
    let role = format_ident!(
        "{}",
        match role {
            Role::Function => "Function",
            Role::Method => "Method",
            Role::ClassMethod => "ClassMethod",
            Role::StaticMethod => "StaticMethod",
            Role::Getter => "Getter",
            Role::Setter => "Setter",
        }
    );
    let def = quote! {
        ::conc_interpreter::native::NativeDef::new(
            #script_name,
            #doc,
            ::conc_interpreter::native::Role::#role,
            &[#(#rows),*],
            #shim,
        )#unread #frame
    };
    Ok((def, shim_fn))
}

fn parameter(arg: &mut PatType) -> Result<Parameter> {
    let Pat::Ident(pat) = &*arg.pat else {
        return Err(Error::new_spanned(&arg.pat, "a plain parameter name is needed"));
    };
    let text = pat.ident.to_string();
    let name = text.strip_prefix("r#").unwrap_or(&text).trim_start_matches('_').to_string();
    let kw = take_attr(&mut arg.attrs, "kw").is_some();
    let kwonly = take_attr(&mut arg.attrs, "kwonly").is_some();
    let default = match take_attr(&mut arg.attrs, "default") {
        Some(Attribute { meta: Meta::List(list), .. }) => Some(syn::parse2::<Expr>(list.tokens)?),
        _ => None,
    };
    let kind = if is_slice(&arg.ty) {
        "VarArgs"
    } else if is_named(&arg.ty, "Kwargs") {
        "VarKeywords"
    } else if kwonly {
        "KeywordOnly"
    } else if kw {
        "Positional"
    } else {
        "PositionalOnly"
    };
    Ok(Parameter { name, ty: (*arg.ty).clone(), kind, default })
}

fn convert(i: usize, p: &Parameter, role: Role, params: &[Parameter]) -> TokenStream {
    // `*args` and `**kwargs` have no place among the fixed arguments.
    let index = params[..i].iter().filter(|q| q.kind != "VarArgs" && q.kind != "VarKeywords").count();
    let ty = &p.ty;
    let name = &p.name;
    match p.kind {
        "VarArgs" => quote!(args.rest),
        "VarKeywords" => quote!(args.kwargs),
        _ if i == 0 && matches!(role, Role::Method | Role::Getter | Role::Setter) => {
            quote!(<#ty as ::conc_interpreter::native::FromArg>::receiver(cx, args.get(#index))?)
        }
        _ => match &p.default {
            Some(default) => quote!(if args.get(#index).is_unbound() {
                #default
            } else {
                <#ty as ::conc_interpreter::native::FromArg>::from_arg(cx, args.get(#index), #name)?
            }),
            None => quote!(<#ty as ::conc_interpreter::native::FromArg>::from_arg(cx, args.get(#index), #name)?),
        },
    }
}

fn is_ctx(ty: &Type) -> bool {
    matches!(ty, Type::Reference(r) if is_named(&r.elem, "Ctx"))
}

fn is_slice(ty: &Type) -> bool {
    matches!(ty, Type::Reference(r) if matches!(&*r.elem, Type::Slice(_)))
}

fn is_option(ty: &Type) -> bool {
    is_named(ty, "Option")
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(p) if p.path.segments.last().is_some_and(|s| s.ident == name))
}

fn take_attr(attrs: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    attrs.iter().position(|a| a.path().is_ident(name)).map(|i| attrs.remove(i))
}

fn string_of(e: &Expr) -> Result<String> {
    match e {
        Expr::Lit(l) => match &l.lit {
            syn::Lit::Str(s) => Ok(s.value()),
            _ => Err(Error::new_spanned(e, "a string is needed")),
        },
        _ => Err(Error::new_spanned(e, "a string is needed")),
    }
}

/// The `///` text, lines joined.
fn doc_text(attrs: &[Attribute]) -> LitStr {
    let mut lines = Vec::new();
    for attr in attrs.iter().filter(|a| a.path().is_ident("doc")) {
        if let Meta::NameValue(nv) = &attr.meta
            && let Ok(line) = string_of(&nv.value)
        {
            lines.push(line.strip_prefix(' ').unwrap_or(&line).to_string());
        }
    }
    LitStr::new(&lines.join("\n"), proc_macro2::Span::call_site())
}
