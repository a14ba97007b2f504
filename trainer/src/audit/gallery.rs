//! The page's part with pictures: duplicates side by side.

use std::fmt::Write;
use std::path::Path;

use rayon::prelude::*;

use super::page::escape;
use super::signature::Turn;
use super::summary::{GroupSummary, Summary};
use super::text::turns;
use super::thumbs::data_uri;
use crate::data::{Dataset, Part};

/// Most groups that are shown with pictures.
const GROUPS: usize = 60;
/// Most pictures of one group.
const PICTURES: usize = 8;

/// Writes the section on duplicates.
pub fn groups(out: &mut String, summary: &Summary, dataset: &Dataset) -> std::fmt::Result {
    let found = &summary.duplicates;
    write!(
        out,
        "<h2>Duplicates</h2><p>{} exact pairs and {} near ones ({}; {} alike only without their \
         frame). {} groups hold {} images.</p>",
        found.exact_pairs,
        found.near_pairs,
        turns(found),
        found.framed_pairs,
        found.groups,
        found.images
    )?;
    if summary.groups.is_empty() {
        return Ok(());
    }
    write!(
        out,
        "<p class=\"soft\">Shown: {} of {} groups, those with different classes first, then those \
         that stand in both Training and Testing, then the largest.</p><section class=\"card\">",
        summary.groups.len().min(GROUPS),
        summary.groups.len()
    )?;
    let shown: Vec<String> = summary
        .groups
        .par_iter()
        .take(GROUPS)
        .map(|group| one_group(group, summary, dataset))
        .collect();
    write!(out, "{}</section>", shown.concat())
}

fn one_group(group: &GroupSummary, summary: &Summary, dataset: &Dataset) -> String {
    let mut tags = format!("<span class=\"tag\">{} images</span>", group.indices.len());
    let mut tag = |text: String, bad: bool| {
        let class = if bad { "tag bad" } else { "tag" };
        let _ = write!(tags, "<span class=\"{class}\">{}</span>", escape(&text));
    };
    if group.classes.len() > 1 {
        tag(group.classes.join(" or "), true);
    }
    if group.leaks {
        tag("Training and Testing".into(), true);
    }
    if group.sets > 1 {
        tag(format!("{} sets", group.sets), false);
    }
    for turn in group.turns.iter().filter(|turn| **turn != Turn::Upright) {
        tag(turn.name().into(), false);
    }
    tag(format!("correlation from {:.4}", group.least), false);
    // Of a large group, the images that contradict each other must be among those shown.
    let mut order: Vec<(usize, &String)> =
        group.indices.iter().copied().zip(&group.images).collect();
    if group.classes.len() > 1 {
        let at_odds = |path: &String| {
            summary
                .conflicts
                .iter()
                .any(|p| p.a == *path || p.b == *path)
        };
        order.sort_by_key(|(_, path)| !at_odds(path));
    }
    let pictures: String = order
        .iter()
        .take(PICTURES)
        .map(|(index, path)| {
            let entry = &dataset.entries[*index];
            figure(
                &entry.path,
                path,
                &dataset.classes[entry.class],
                entry.folder,
            )
        })
        .collect();
    let more = match group.indices.len().saturating_sub(PICTURES) {
        0 => String::new(),
        more => format!("<p class=\"soft\">and {more} more</p>"),
    };
    format!("<div class=\"group\">{tags}<div class=\"row\">{pictures}</div>{more}</div>")
}

fn figure(file: &Path, path: &str, class: &str, part: Option<Part>) -> String {
    let picture = data_uri(file).map_or_else(String::new, |uri| {
        format!("<img src=\"{uri}\" alt=\"\" loading=\"lazy\">")
    });
    let part = part.map_or_else(String::new, |part| format!(" · {}", part.name()));
    format!(
        "<figure>{picture}<figcaption><b>{}{part}</b>{}</figcaption></figure>",
        escape(class),
        escape(path)
    )
}
