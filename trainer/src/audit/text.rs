//! The findings as text for a terminal.

use std::fmt::Write;

use super::floor::Score;
use super::signature::Turn;
use super::summary::{Duplicates, LeakCount, Summary};

/// Most conflicts and unreadable files that are listed.
const LISTED: usize = 20;

/// A share of a whole, such as `65.7 %`.
pub fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".into();
    }
    format!("{:.1} %", 100.0 * part as f64 / whole as f64)
}

/// A score as its accuracy.
pub fn accuracy(score: &Score) -> String {
    percent(score.right, score.images)
}

/// Near pairs by their turn, in words.
pub fn turns(found: &Duplicates) -> String {
    let counts: Vec<String> = found
        .near_by_turn
        .iter()
        .map(|(turn, count)| format!("{count} {turn}"))
        .collect();
    counts.join(", ")
}

fn leak(count: &LeakCount) -> String {
    format!(
        "{} of {} ({}); {} without turning it, {} exactly",
        count.near,
        count.images,
        percent(count.near, count.images),
        count.upright,
        count.exact
    )
}

/// All findings.
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, summary);
    text
}

fn write(out: &mut String, summary: &Summary) -> std::fmt::Result {
    for set in &summary.sets {
        writeln!(
            out,
            "{}: {} images, {} unreadable",
            set.name, set.images, set.unreadable
        )?;
        for (part, counts) in &set.balance {
            let counts: Vec<String> = counts.iter().map(|(c, n)| format!("{c} {n}")).collect();
            writeln!(out, "  {part:<11}{}", counts.join(", "))?;
        }
        for stored in &set.storage {
            let [width, height] = stored.most_frequent;
            writeln!(
                out,
                "  {} files: {}; {} sizes from {}x{} to {}x{}, {width}x{height} in {}",
                stored.kind,
                stored.images,
                stored.sizes,
                stored.smallest[0],
                stored.smallest[1],
                stored.largest[0],
                stored.largest[1],
                stored.of_these
            )?;
        }
        writeln!(
            out,
            "  {} images have a duplicate in the set; {} could go without losing a picture",
            set.with_duplicate, set.spare
        )?;
        if let Some(found) = &set.leak {
            writeln!(
                out,
                "  Testing images that stand in Training too: {}",
                leak(&found.all)
            )?;
            for (class, count) in &found.per_class {
                writeln!(out, "    {class:<12}{}", leak(count))?;
            }
        }
        for floor in &set.nearest_neighbour {
            let classes: Vec<String> = floor
                .per_class
                .iter()
                .map(|(c, s)| format!("{c} {}", accuracy(s)))
                .collect();
            writeln!(
                out,
                "  nearest neighbour on pixels, {}: {} of {} images ({}); {} of the {} without a twin",
                floor.split,
                accuracy(&floor.all),
                floor.all.images,
                classes.join(", "),
                accuracy(&floor.without_twin),
                floor.without_twin.images
            )?;
        }
        writeln!(out)?;
    }
    for between in &summary.between {
        writeln!(
            out,
            "{} in {}: {}",
            between.set,
            between.other,
            leak(&between.all)
        )?;
        if between.test.images > 0 {
            writeln!(out, "  of its Testing images: {}", leak(&between.test))?;
        }
    }
    let found = &summary.duplicates;
    writeln!(
        out,
        "duplicates: {} exact pairs and {} near ones ({}; {} alike only without their frame), {} \
         images in {} groups",
        found.exact_pairs,
        found.near_pairs,
        turns(found),
        found.framed_pairs,
        found.images,
        found.groups
    )?;
    if let Some(chain) = &found.largest {
        writeln!(
            out,
            "  the largest group has {} images, at most {} steps apart ({})",
            chain.images, chain.diameter, chain.example
        )?;
    }
    let patients = &summary.patients;
    writeln!(
        out,
        "patients: {} in all, named for {} images, told by a duplicate for {} more",
        patients.patients, patients.named, patients.told
    )?;
    writeln!(
        out,
        "groups to keep together: {}; the largest has {} images (patients: {}); {} join several \
         patients",
        patients.groups,
        patients.largest_group,
        patients.largest_group_patients,
        patients.groups_of_several_patients
    )?;
    for (set, count) in &patients.test_in_training_groups {
        writeln!(
            out,
            "  {set}: {count} Testing images are of a group that also trains"
        )?;
    }
    writeln!(out, "label conflicts: {} pairs", summary.conflicts.len())?;
    for pair in summary.conflicts.iter().take(LISTED) {
        writeln!(
            out,
            "  {} ({}) = {} ({}), correlation {:.4}{}",
            pair.a,
            pair.class_a,
            pair.b,
            pair.class_b,
            pair.correlation,
            if pair.turn == Turn::Upright {
                String::new()
            } else {
                format!(", {}", pair.turn.name())
            }
        )?;
    }
    more(out, summary.conflicts.len())?;
    writeln!(out, "unreadable: {}", summary.unreadable.len())?;
    for file in summary.unreadable.iter().take(LISTED) {
        writeln!(out, "  {}: {}", file.path, file.reason)?;
    }
    more(out, summary.unreadable.len())
}

fn more(out: &mut String, count: usize) -> std::fmt::Result {
    if count > LISTED {
        writeln!(out, "  and {} more (--json has all)", count - LISTED)?;
    }
    Ok(())
}
