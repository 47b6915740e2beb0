//! From the command line to the subcommand, and from its end to the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use super::args::{Cli, Command};
use super::{check, devices, learn, listen, modules, play, render, send, status, stream, surface};

/// Runs what the command line says. `[control]`
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version come this way too, and end with 0.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    log(cli.verbose);
    let done = match &cli.command {
        Command::Play(args) => play::run(args),
        Command::Perform(args) => play::perform(args),
        Command::Render(args) => render::run(args),
        Command::Check(args) => check::run(args),
        Command::Modules(args) => modules::run(args),
        Command::Send(args) => send::run(args),
        Command::Status(args) => status::run(args),
        Command::Learn(args) => learn::run(args),
        Command::Listen(args) => listen::run(args),
        Command::Stream(args) => stream::run(args),
        Command::Devices(args) => devices::run(args),
        Command::Surface(args) => surface::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            let text = exit.to_string();
            if !text.is_empty() {
                let _ = writeln!(std::io::stderr(), "rackd: {text}");
            }
            ExitCode::from(exit.code())
        }
    }
}

/// The log goes to standard error; `RACKD_LOG` says what is logged where more than -v is wanted.
fn log(verbose: u8) {
    let level = ["rackd=warn", "rackd=info", "rackd=debug"][usize::from(verbose.min(2))];
    let filter = EnvFilter::try_from_env("RACKD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().with_target(false).init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
