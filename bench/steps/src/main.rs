//! `tulle-steps NAME [PLANTED]` carries a scenario's calls and says how many; `tulle-steps` lists the scenarios.
//!
//! It counts nothing by itself: `python -m bench.steps` runs it under callgrind.

mod carried;
mod codec;
mod counting;
mod drained;
#[path = "../../../engine/proxy/tests/support/end.rs"]
mod end;
// The allocation's tests use the rest of it.
#[allow(dead_code)]
#[path = "../../../engine/proxy/tests/support/line.rs"]
mod line;
#[allow(dead_code)]
#[path = "../../../engine/proxy/tests/support/policy.rs"]
mod policy;
mod scenarios;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = arguments.first() else {
        for scenario in &scenarios::SCENARIOS {
            println!("{} {}", scenario.name, scenario.unit);
        }
        return ExitCode::SUCCESS;
    };
    let Some(scenario) = scenarios::find(name) else {
        eprintln!("tulle-steps: there is no scenario {name:?}; run it without arguments for a list");
        return ExitCode::from(2);
    };
    let Ok(planted) = arguments.get(1).map_or(Ok(0), |text| text.parse()) else {
        eprintln!("tulle-steps: PLANTED must be a whole number of steps, not {:?}", arguments[1]);
        return ExitCode::from(2);
    };
    let mut carry = (scenario.make)();
    carry(scenario.warm_up);
    counting::begin(planted);
    carry(scenario.count);
    println!("{}", scenario.count);
    ExitCode::SUCCESS
}
