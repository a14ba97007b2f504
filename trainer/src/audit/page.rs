//! The findings as one HTML file that needs no other: styles inside, pictures as `data:` addresses.

use std::fmt::Write;

use indexmap::IndexMap;

use super::gallery::groups;
use super::summary::{LeakCount, SetSummary, Summary};
use super::text::{accuracy, percent};
use crate::data::Dataset;

/// Most unreadable files that are listed.
const LISTED: usize = 200;

const CSS: &str = include_str!("page.css");

/// Text that stands for itself in HTML.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// The page.
pub fn page(summary: &Summary, dataset: &Dataset) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, summary, dataset);
    out
}

fn write(out: &mut String, summary: &Summary, dataset: &Dataset) -> std::fmt::Result {
    let name = escape(&dataset.name());
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Audit of {name}</title><style>{CSS}</style></head><body><main>\
         <h1>Audit of {name}</h1><p class=\"soft\">{}</p>",
        escape(&summary.definition)
    )?;
    facts(out, summary)?;
    write!(out, "<h2>Data sets</h2>")?;
    for set in &summary.sets {
        one_set(out, set, &summary.classes)?;
    }
    across(out, summary)?;
    patients(out, summary)?;
    groups(out, summary, dataset)?;
    unreadable(out, summary)?;
    writeln!(
        out,
        "<p class=\"soft\">Made by <code>scanlight audit</code>. For education and research, not a \
         diagnosis.</p></main></body></html>"
    )
}

fn fact(out: &mut String, value: &str, label: &str, bad: bool) -> std::fmt::Result {
    let class = if bad { "fact bad" } else { "fact" };
    write!(
        out,
        "<div class=\"{class}\"><b>{value}</b><span>{}</span></div>",
        escape(label)
    )
}

fn facts(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let images: usize = summary.sets.iter().map(|set| set.images).sum();
    write!(out, "<div class=\"facts\">")?;
    fact(out, &images.to_string(), "images", false)?;
    for set in &summary.sets {
        if let Some(leak) = &set.leak {
            let label = format!("of {}'s Testing stands in its Training too", set.name);
            let share = percent(leak.all.near, leak.all.images);
            fact(out, &share, &label, leak.all.near > 0)?;
        }
    }
    let found = &summary.duplicates;
    fact(
        out,
        &found.groups.to_string(),
        "groups of duplicates",
        false,
    )?;
    let conflicts = summary.conflicts.len();
    fact(
        out,
        &conflicts.to_string(),
        "duplicates with different classes",
        conflicts > 0,
    )?;
    let broken = summary.unreadable.len();
    fact(out, &broken.to_string(), "unreadable files", broken > 0)?;
    write!(out, "</div>")
}

/// A table from its head and rows of cells that are HTML already.
fn table(
    out: &mut String,
    head: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
    caption: &str,
) -> std::fmt::Result {
    write!(out, "<div class=\"scroll\"><table>")?;
    if !caption.is_empty() {
        write!(out, "<caption>{}</caption>", escape(caption))?;
    }
    write!(out, "<thead><tr>")?;
    for cell in head {
        write!(out, "<th scope=\"col\">{}</th>", escape(cell))?;
    }
    write!(out, "</tr></thead><tbody>")?;
    for row in rows {
        // A cell may bring its own tag.
        let cells: String = row
            .iter()
            .map(|cell| match cell.starts_with("<td") {
                true => cell.clone(),
                false => format!("<td>{cell}</td>"),
            })
            .collect();
        write!(out, "<tr>{cells}</tr>")?;
    }
    write!(out, "</tbody></table></div>")
}

fn bar(part: usize, whole: usize, text: &str) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    format!("<td class=\"bar\" style=\"--share:{share:.1}%\">{text}</td>")
}

fn one_set(out: &mut String, set: &SetSummary, classes: &[String]) -> std::fmt::Result {
    write!(
        out,
        "<section class=\"card\"><h3>{}</h3>",
        escape(&set.name)
    )?;
    write!(
        out,
        "<p class=\"soft\">{} images, {} unreadable. {} have a duplicate in the set; {} could go \
         without losing a picture.</p>",
        set.images, set.unreadable, set.with_duplicate, set.spare
    )?;
    let mut head = vec!["Images"];
    head.extend(classes.iter().map(String::as_str));
    head.push("sum");
    let most = |counts: &IndexMap<String, usize>| counts.values().copied().max().unwrap_or(0);
    let rows = set.balance.iter().map(|(part, counts)| {
        let mut row = vec![escape(part)];
        row.extend(
            counts
                .values()
                .map(|&n| bar(n, most(counts), &n.to_string())),
        );
        row.push(counts.values().sum::<usize>().to_string());
        row
    });
    table(out, &head, rows, "")?;
    if let Some(leak) = &set.leak {
        let row = |name: &str, count: &LeakCount| {
            vec![
                escape(name),
                count.images.to_string(),
                count.exact.to_string(),
                count.upright.to_string(),
                bar(count.near, count.images, &count.near.to_string()),
                percent(count.near, count.images),
            ]
        };
        let rows = leak
            .per_class
            .iter()
            .map(|(class, count)| row(class, count));
        let rows = rows.chain([row("all", &leak.all)]);
        table(
            out,
            &[
                "Testing",
                "images",
                "exact twin",
                "upright twin",
                "any twin",
                "share",
            ],
            rows,
            "Testing images with a duplicate among the training images: the same pixels, alike, or alike when mirrored or turned.",
        )?;
    }
    let mut head = vec!["Nearest neighbour on pixels", "known", "tested", "accuracy"];
    head.extend(classes.iter().map(String::as_str));
    head.extend(["without twins", "of them right"]);
    let rows = set.nearest_neighbour.iter().map(|floor| {
        let mut row = vec![
            escape(&floor.split),
            floor.known.to_string(),
            floor.all.images.to_string(),
            format!("<b>{}</b>", accuracy(&floor.all)),
        ];
        row.extend(classes.iter().map(|class| {
            floor
                .per_class
                .get(class)
                .map_or_else(|| "-".into(), accuracy)
        }));
        row.push(floor.without_twin.images.to_string());
        row.push(accuracy(&floor.without_twin));
        row
    });
    table(
        out,
        &head,
        rows,
        "What looking up the most similar known picture gets: the floor for any network.",
    )?;
    let rows = set.storage.iter().map(|stored| {
        let size = |[width, height]: [u32; 2]| format!("{width} x {height}");
        vec![
            escape(&stored.kind),
            stored.images.to_string(),
            stored.sizes.to_string(),
            format!("{} ({})", size(stored.most_frequent), stored.of_these),
            size(stored.smallest),
            size(stored.largest),
        ]
    });
    table(
        out,
        &[
            "Files",
            "images",
            "sizes",
            "most frequent",
            "smallest sides",
            "largest sides",
        ],
        rows,
        "",
    )?;
    write!(out, "</section>")
}

fn across(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.between.is_empty() {
        return Ok(());
    }
    write!(out, "<h2>Between the sets</h2><section class=\"card\">")?;
    let rows = summary.between.iter().map(|between| {
        vec![
            format!("{} in {}", escape(&between.set), escape(&between.other)),
            between.all.images.to_string(),
            between.all.exact.to_string(),
            bar(
                between.all.near,
                between.all.images,
                &between.all.near.to_string(),
            ),
            between.test.images.to_string(),
            bar(
                between.test.near,
                between.test.images,
                &between.test.near.to_string(),
            ),
        ]
    });
    table(
        out,
        &[
            "Images of … in …",
            "all",
            "exact twin",
            "any twin",
            "Testing",
            "any twin",
        ],
        rows,
        "How much of one set stands in another.",
    )?;
    write!(out, "</section>")
}

fn patients(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let found = &summary.patients;
    write!(
        out,
        "<h2>Groups to keep together</h2><p>{} groups of images that show the same slice or the same \
         patient. The patient is named for {} images, and told by a duplicate for {} more; there are \
         {} patients. The largest group has {} images (patients: {}); in {} groups duplicates join \
         several patients.</p>",
        found.groups,
        found.named,
        found.told,
        found.patients,
        found.largest_group,
        found.largest_group_patients,
        found.groups_of_several_patients
    )?;
    for (set, count) in &found.test_in_training_groups {
        write!(
            out,
            "<p>{}: <b>{count}</b> Testing images are of a group that also trains.</p>",
            escape(set)
        )?;
    }
    if let Some(chain) = &summary.duplicates.largest {
        write!(
            out,
            "<p class=\"soft\">The largest group of duplicates alone has {} images, at most {} steps \
             apart (1 step: each is a duplicate of each). What no table and no duplicate tells stays \
             unknown: two slices of one patient may still be in two groups.</p>",
            chain.images, chain.diameter
        )?;
    }
    Ok(())
}

fn unreadable(out: &mut String, summary: &Summary) -> std::fmt::Result {
    write!(out, "<h2>Unreadable files</h2>")?;
    if summary.unreadable.is_empty() {
        return write!(out, "<p>None.</p>");
    }
    write!(out, "<ul class=\"files\">")?;
    for file in summary.unreadable.iter().take(LISTED) {
        write!(
            out,
            "<li><code>{}</code>: {}</li>",
            escape(&file.path),
            escape(&file.reason)
        )?;
    }
    write!(out, "</ul>")?;
    match summary.unreadable.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => write!(out, "<p class=\"soft\">and {more} more</p>"),
    }
}
