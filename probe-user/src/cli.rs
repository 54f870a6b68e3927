//! What is typed: one subcommand a file. The only place that names clap.
