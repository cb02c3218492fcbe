//! A host program: a value in, a function out, an error looked at.

use conc::{Error, Interpreter};

pub fn main() -> Result<(), Error> {
    let interp = Interpreter::new()?;

    // Values go in, values come out.
    interp.set("names", vec!["Ada", "Grace", "Barbara"])?;
    let longest: String = interp.eval("max(names, key=len)")?;
    println!("the longest name is {longest}");

    // The script calls Rust.
    interp.function("shout", ["text", "marks"], |text: String, marks: Option<i64>| -> Result<String, String> {
        let marks = usize::try_from(marks.unwrap_or(1)).map_err(|_| "a negative number of marks".to_string())?;
        Ok(text.to_uppercase() + &"!".repeat(marks))
    })?;
    interp.exec("def greet(name):\n    return shout('hello ' + name, marks=2)\n")?;

    // Rust calls the script.
    let greeting: String = interp.call("greet", ("Grace",))?;
    println!("{greeting}");

    // What goes wrong is a value too.
    match interp.call::<String>("greet", (7,)) {
        Err(Error::Raised(e)) => {
            println!("{}: {}", e.class(), e.message());
            println!("raised in {} at line {}", e.frames()[0].function, e.frames()[0].line);
        }
        other => println!("{other:?}"),
    }
    Ok(())
}
