//! `scanlight audit`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::write_json;
use crate::audit::{audit, page, text};
use crate::data::scan_folders;
use crate::train::write_whole;

/// Look for duplicates, contradictory labels and unreadable files before training on a data set.
///
/// Duplicates are found within a set, between Training/ and Testing/, and between several sets, in
/// other sizes, brightness, compression and frames, mirrored or upside down. A nearest neighbour on pixels says
/// how far duplicates alone get: the floor for any network.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Data set: a folder with one folder per class, with or without Training/ and Testing/ above.
    /// Repeat it to compare several sets. A slices.csv in it with the columns path and patient
    /// tells patients.
    #[arg(long, value_name = "DIR", required = true)]
    data: Vec<PathBuf>,
    /// Write a page with everything and with small pictures of the duplicates side by side. Mind
    /// the data's licence before passing it on.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write everything, all groups of duplicates included, as JSON (no pictures).
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write each image's group (duplicates and patients joined) for `train --groups`: a table
    /// with the columns set,path,group,patient,duplicates.
    #[arg(long, value_name = "FILE.csv")]
    write_groups: Option<PathBuf>,
}

impl AuditArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let found = audit(scan_folders(&self.data)?, &self.data)?;
        let summary = found.summary()?;
        print!("{}", text::text(&summary));
        if let Some(path) = &self.json {
            write_json(path, &summary)?;
        }
        if let Some(path) = &self.write_groups {
            write_whole(path, found.groups_file().as_bytes())?;
            println!("groups: {}", path.display());
        }
        if let Some(path) = &self.report {
            write_whole(path, page::page(&summary, &found.dataset).as_bytes())?;
            println!("report: {}", path.display());
        }
        Ok(())
    }
}
