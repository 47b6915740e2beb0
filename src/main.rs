//! argv in, exit code out.

fn main() -> std::process::ExitCode {
    rackd::cli::run()
}
