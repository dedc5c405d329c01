//! `sim [--seeds N] [--start N]` tries that many seeds; `sim --seed N` plays one and prints its trace. `--facts NAMES` holds
//! these facts and no others.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;
use tulle_sim::scenario::Scenario;
use tulle_sim::{Facts, Mutation, Options, Outcome, draw, named, play, rule_of, shrink};

/// What was tried.
#[derive(Default)]
struct Sum {
    seeds: u64,
    steps: u64,
    calls: u64,
    executions: u64,
    faults: u64,
}

fn main() -> ExitCode {
    match Arguments::read(std::env::args().skip(1)) {
        Ok(Arguments { seed: Some(seed), facts, .. }) => one(seed, facts),
        Ok(arguments) => many(&arguments),
        Err(words) => {
            eprintln!("sim: {words}; sim [--facts NAMES] [--seeds N] [--start N] | sim [--facts NAMES] --seed N");
            ExitCode::from(2)
        }
    }
}

#[derive(Debug)]
struct Arguments {
    seeds: u64,
    start: u64,
    seed: Option<u64>,
    facts: Facts,
}

// === impl Arguments ===

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { seeds: 1_000, start: 0, seed: None, facts: Facts::default() };
        while let Some(name) = words.next() {
            let value = words.next().unwrap_or_default();
            let number = || value.parse().map_err(|_| format!("{name} needs a number"));
            match name.as_str() {
                "--seeds" => arguments.seeds = number()?,
                "--start" => arguments.start = number()?,
                "--seed" => arguments.seed = Some(number()?),
                "--facts" => arguments.facts = value.parse()?,
                _ => return Err(format!("{name} is not known")),
            }
        }
        Ok(arguments)
    }
}

// === impl Sum ===

impl Sum {
    fn add(&mut self, scenario: &Scenario, outcome: &Outcome) {
        self.seeds += 1;
        self.steps += outcome.trace.steps();
        self.calls += scenario.calls.len() as u64;
        self.executions += outcome.executions as u64;
        self.faults += scenario.faults.len() as u64;
    }
}

fn many(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let mut sum = Sum::default();
    for (name, scenario) in [("the hour", named::hour()), ("the hour of changes", named::hour_of_changes())] {
        if let Some(words) = broken(&scenario, &mut sum) {
            println!("sim: {name} fails: {words}");
            return ExitCode::FAILURE;
        }
    }
    let mut failing = Vec::new();
    for seed in arguments.start..arguments.start + arguments.seeds {
        progress(seed - arguments.start, arguments.seeds);
        if let Some(words) = broken(&draw(seed, arguments.facts), &mut sum) {
            failing.push((seed, words));
        }
    }
    progress(arguments.seeds, arguments.seeds);
    if let Some((first, _)) = failing.first() {
        explain(*first, arguments.facts);
        failing.iter().for_each(|(seed, words)| println!("sim: seed {seed} fails: {words}"));
        println!("sim: {} of {} seeds fail", failing.len(), arguments.seeds);
        return ExitCode::FAILURE;
    }
    let Sum { seeds, steps, calls, executions, faults } = sum;
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "sim: {seeds} scenarios, {steps} steps, {calls} calls ({executions} executions), {faults} faults: all well, {seconds:.1} s"
    );
    ExitCode::SUCCESS
}

/// What does not hold, if anything.
fn broken(scenario: &Scenario, sum: &mut Sum) -> Option<String> {
    let outcome = play(scenario, Options::default());
    sum.add(scenario, &outcome);
    outcome.violation.map(|violation| format!("{}: {}", violation.rule, violation.words))
}

fn one(seed: u64, facts: Facts) -> ExitCode {
    if rule_of(&draw(seed, facts), Options::default()).is_some() {
        explain(seed, facts);
        return ExitCode::FAILURE;
    }
    let outcome = play(&draw(seed, facts), Options { recording: true, ..Options::default() });
    outcome.trace.lines().iter().for_each(|line| println!("{line}"));
    println!("sim: seed {seed} is well: {} steps, hash {:016x}", outcome.trace.steps(), outcome.trace.hash());
    ExitCode::SUCCESS
}

/// The failing seed with its shortest trace, and how to see it again.
fn explain(seed: u64, facts: Facts) {
    let scenario = shrink(&draw(seed, facts), Options::default());
    println!("{scenario:#?}");
    let outcome = play(&scenario, Options { recording: true, mutation: Mutation::Nothing });
    outcome.trace.lines().iter().for_each(|line| println!("{line}"));
    if let Some(violation) = outcome.violation {
        println!("sim: seed {seed} fails at {}: {}: {}", outcome.ended, violation.rule, violation.words);
    }
    println!(
        "sim: above is its shortest form ({} calls, {} faults); make sim SEED={seed} FACTS={facts} plays it again",
        scenario.calls.len(),
        scenario.faults.len()
    );
}

/// On a terminal alone.
fn progress(done: u64, of: u64) {
    if std::io::stderr().is_terminal() && (done.is_multiple_of(10) || done == of) {
        eprint!("\r{done} of {of} seeds{}", if done == of { "\n" } else { "" });
        let _ = std::io::stderr().flush();
    }
}
