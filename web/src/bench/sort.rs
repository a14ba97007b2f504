//! Files by the class folder that they lie in.

use crate::intake::{Dropped, is_clutter};
use crate::language::Line;
use scanlight_measures::labels::{CANONICAL_CLASSES, class_at, class_depth};
use std::collections::BTreeMap;

/// What is left out, and how many files of it: by the class that the model does not know, or by nothing for files that
/// lie in no class folder.
pub type LeftOut = BTreeMap<Option<String>, usize>;

/// The files of classes that the model knows, each with the index of its class, in their order.
pub fn by_folder(files: Vec<Dropped>, classes: &[String]) -> (Vec<(usize, Dropped)>, LeftOut) {
    let is_known =
        |class: &str| CANONICAL_CLASSES.contains(&class) || classes.iter().any(|own| own == class);
    let depth = class_depth(files.iter().map(|file| file.path.as_str()), is_known);
    let mut sorted = Vec::new();
    let mut left_out = LeftOut::new();
    for file in files {
        if is_clutter(&file.path) {
            continue;
        }
        let class = depth.and_then(|depth| class_at(&file.path, depth));
        let label = class
            .as_ref()
            .and_then(|class| classes.iter().position(|own| own == class));
        match label {
            Some(label) => sorted.push((label, file)),
            None => *left_out.entry(class).or_default() += 1,
        }
    }
    (sorted, left_out)
}

/// What there is to say about what is left out.
pub fn lines(left_out: LeftOut) -> Vec<Line> {
    let said = left_out.into_iter().map(|(class, count)| match class {
        Some(class) => Line::new("evaluate.left_out")
            .with("class", class)
            .with("n", count),
        None => Line::new("evaluate.beside").with("n", count),
    });
    said.collect()
}
