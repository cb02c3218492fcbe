//! The report of a run: differences of the first failures, what waits and why, and cargo's closing line.

use std::collections::BTreeMap;
use std::process::ExitCode;

use crate::discover::Script;
use crate::run::{Difference, Outcome};

/// Failures shown in full; the others are named.
const SHOWN: usize = 15;
/// Lines of one difference.
const LINES: usize = 40;

pub fn print(outcomes: &[(&Script, Outcome)], problems: &[String], filtered: usize) -> ExitCode {
    let mut failures = Vec::new();
    let (mut passed, mut waiting) = (0, Vec::new());
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let complaint = |text: &str| vec![Difference::Fact(text.into())];
    for (script, outcome) in outcomes {
        match (outcome, &script.waiting) {
            (Outcome::Passed, None) => passed += 1,
            (Outcome::Passed, Some(_)) => {
                let text = "passes now: take it out of tests/waiting.txt";
                failures.push((&script.name, complaint(text)));
            }
            (Outcome::Failed(_), Some(reason)) => waiting.push((&script.name, reason)),
            (Outcome::Failed(differences), None) => {
                failures.push((&script.name, differences.clone()));
            }
            (Outcome::Skipped, _) if script.missing.is_empty() => {
                *skipped.entry("more time under stress (tests/stress.txt)".into()).or_default() += 1;
            }
            (Outcome::Skipped, None) => *skipped.entry(script.missing.join(", ")).or_default() += 1,
            (Outcome::Skipped, Some(_)) => {
                let text = "is in tests/waiting.txt and waits for a feature as well";
                failures.push((&script.name, complaint(text)));
            }
        }
    }

    println!("\nrunning {} scripts", outcomes.len());
    for (name, differences) in failures.iter().take(SHOWN) {
        println!("\n--- {name}");
        differences.iter().for_each(show);
    }
    if failures.len() > SHOWN {
        println!("\nand {} more:", failures.len() - SHOWN);
        failures.iter().skip(SHOWN).for_each(|(name, _)| println!("    {name}"));
    }
    problems.iter().for_each(|p| println!("\n--- {p}"));
    if !waiting.is_empty() {
        println!("\n{} scripts wait for what is not supported yet (tests/waiting.txt):", waiting.len());
        waiting.iter().for_each(|(name, reason)| println!("    {name}: {reason}"));
    }
    let unrun: usize = skipped.values().sum();
    if unrun > 0 {
        println!("\n{unrun} scripts were not run (tests/features.txt):");
        skipped.iter().for_each(|(features, n)| println!("    {n} need {features}"));
    }
    let failed = failures.len() + problems.len();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\n{passed} passed, {failed} failed, {} waiting, {unrun} not run", waiting.len());
    println!("test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {filtered} filtered out\n");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(difference: &Difference) {
    match difference {
        Difference::Fact(text) => println!("{text}"),
        Difference::Text { what, expected, actual } => {
            println!("{what} (- expected, + actual):");
            let lines = diff(&split(expected), &split(actual));
            lines.iter().take(LINES).for_each(|l| println!("  {l}"));
            if lines.len() > LINES {
                println!("  ... {} more lines", lines.len() - LINES);
            }
        }
    }
}

/// The lines of a text; a missing newline at the end is a line of its own.
fn split(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    if !text.is_empty() && !text.ends_with('\n') {
        lines.push("(no newline at the end)");
    }
    lines
}

/// A line difference: the common start and end are cut to two lines of context, the rest aligned by the longest
/// common subsequence.
fn diff(expected: &[&str], actual: &[&str]) -> Vec<String> {
    let shorter = expected.len().min(actual.len());
    let start = (0..shorter).take_while(|&i| expected[i] == actual[i]).count();
    let back = |i: usize| expected[expected.len() - 1 - i] == actual[actual.len() - 1 - i];
    let end = (0..shorter - start).take_while(|&i| back(i)).count();
    let (old, new) = (&expected[start..expected.len() - end], &actual[start..actual.len() - end]);

    let mut out = Vec::new();
    expected[start.saturating_sub(2)..start].iter().for_each(|l| out.push(format!("  {l}")));
    if old.len() * new.len() > 250_000 {
        old.iter().for_each(|l| out.push(format!("- {l}")));
        new.iter().for_each(|l| out.push(format!("+ {l}")));
    } else {
        align(old, new, &mut out);
    }
    actual[actual.len() - end..].iter().take(2).for_each(|l| out.push(format!("  {l}")));
    out
}

fn align(old: &[&str], new: &[&str], out: &mut Vec<String>) {
    // common[i][j]: the length of the longest common subsequence of old[i..] and new[j..]
    let mut common = vec![vec![0usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let longer = common[i + 1][j].max(common[i][j + 1]);
            common[i][j] = if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { longer };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            out.push(format!("  {}", old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            out.push(format!("- {}", old[i]));
            i += 1;
        } else {
            out.push(format!("+ {}", new[j]));
            j += 1;
        }
    }
}
