//! Self-contained HTML pages: one file, no script, nothing loaded from anywhere.

pub mod charts;
mod page;

pub use page::{Page, data_uri, escape, table};
