//! What is kept of too many files.

use std::collections::{BTreeMap, BTreeSet};

/// At most `room` of the files, evenly over the classes, in their order.
pub fn evenly<T>(files: Vec<(usize, T)>, room: usize) -> Vec<(usize, T)> {
    if files.len() <= room {
        return files;
    }
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut order = Vec::with_capacity(files.len());
    for (index, (class, _)) in files.iter().enumerate() {
        let count = seen.entry(*class).or_default();
        order.push((*count, index));
        *count += 1;
    }
    // The first of each class, then the second of each.
    order.sort_unstable();
    let kept: BTreeSet<usize> = order
        .into_iter()
        .take(room)
        .map(|(_, index)| index)
        .collect();
    let files = files.into_iter().enumerate();
    files
        .filter(|(index, _)| kept.contains(index))
        .map(|(_, file)| file)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::evenly;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn of_too_many_each_class_keeps_its_first() {
        let files: Vec<(usize, u32)> = [0, 0, 0, 0, 1, 0, 1, 2].into_iter().zip(0..).collect();
        assert_eq!(evenly(files.clone(), 8), files);
        let some = [(0, 0), (0, 1), (1, 4), (1, 6), (2, 7)];
        assert_eq!(evenly(files.clone(), 5), some);
        assert_eq!(evenly(files, 0), []);
    }
}
