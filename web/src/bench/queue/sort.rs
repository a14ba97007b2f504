//! What belongs together: a picture is a unit of its own, and so is a volume; the DICOM files of a series are one.

use super::reader::Stop;
use super::{Queue, Row, Status, Unit};
use crate::intake::{Dropped, HEAD, Kind, LARGEST};
use crate::requests;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_reader::protocol::{Reply, Request};
use std::collections::BTreeMap;

impl Queue {
    /// Finds the units, once the engine is there.
    pub(super) fn sort(self) {
        let turn = self.update(|inner| {
            if !inner.loaded || inner.paused || inner.looks {
                return None;
            }
            inner.looks = true;
            Some(inner.turn)
        });
        if let Some(Some(turn)) = turn {
            self.status.set(Status::Sorting);
            spawn_local(async move { self.sort_all(turn).await });
        }
    }

    async fn sort_all(self, turn: u32) {
        // Nothing of the files is read before.
        match self.reader_is_there().await {
            Ok(()) => {}
            Err(Stop::Bad(line)) if self.is_turn(turn) => return self.give_up(line),
            Err(_) => return,
        }
        let files = self.update(|inner| {
            inner.touched = true;
            inner.page.begin();
            inner.files.clone()
        });
        let Some(files) = files else { return };
        let mut units: Vec<Unit> = Vec::new();
        // By the number of their series.
        let mut known: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            // A file that cannot be read is told by who reads it all.
            let kind = Kind::of(&file.beginning(HEAD).await.unwrap_or_default());
            let series = match kind {
                Kind::Dicom => self.series_of(file).await,
                _ => None,
            };
            if !self.is_turn(turn) {
                return;
            }
            let unit = series.and_then(|series| known.get(&series).copied());
            match unit.and_then(|unit| units.get_mut(unit)) {
                Some(unit) => unit.files.push(index),
                None => {
                    if let Some(series) = series {
                        known.insert(series, units.len());
                    }
                    units.push(Unit {
                        files: vec![index],
                        study: kind.needs_reader(),
                    });
                }
            }
            self.sorted
                .try_update_untracked(|[done, _]| *done = index + 1);
            self.tell();
        }
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let rows = names(&units, &paths).into_iter().enumerate();
        self.rows.set_value(
            rows.map(|(unit, name)| Row::new(name, unit, None))
                .collect(),
        );
        self.update(|inner| {
            inner.units = units;
            inner.is_sorted = true;
            inner.looks = false;
            inner.begun = requests::now();
        });
        self.status.set(Status::Running);
        self.tell();
        self.go_on();
    }

    /// The number of a file's series; nothing where it cannot be told.
    async fn series_of(self, file: &Dropped) -> Option<usize> {
        if file.size() > LARGEST {
            return None;
        }
        let bytes = file.bytes().await.ok()?;
        let heard = self.ask_reader(|id| Request::Series { id }, &[bytes]).await;
        match heard {
            Ok((Reply::Series { series, .. }, _)) => series,
            _ => None,
        }
    }

    /// Whether nothing was cancelled since.
    pub(super) fn is_turn(self, turn: u32) -> bool {
        self.inner.try_with_value(|inner| inner.turn) == Some(turn)
    }
}

/// What units are called: by their only file, or by the folder of all; where that is said of several, by the first file.
fn names(units: &[Unit], paths: &[&str]) -> Vec<String> {
    let path = |file: &usize| paths.get(*file).copied().unwrap_or_default();
    let first = |unit: &Unit| unit.files.first().map(path).unwrap_or_default();
    let wanted: Vec<&str> = units
        .iter()
        .map(|unit| match unit.files.as_slice() {
            [_] => first(unit),
            files => folder(files.iter().map(path)).unwrap_or_else(|| first(unit)),
        })
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &wanted {
        *counts.entry(name).or_default() += 1;
    }
    let named = wanted.iter().zip(units).map(|(name, unit)| {
        let shared = counts.get(name).is_some_and(|count| *count > 1);
        if shared { first(unit) } else { name }.to_owned()
    });
    named.collect()
}

/// The folder that all paths share.
fn folder<'a>(mut paths: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let above = |path: &'a str| path.rsplit_once('/').map(|(folder, _)| folder);
    let mut shared = above(paths.next()?)?;
    for path in paths {
        while !path
            .strip_prefix(shared)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            shared = above(shared)?;
        }
    }
    Some(shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn unit(files: &[usize]) -> Unit {
        Unit {
            files: files.to_vec(),
            study: true,
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn units_have_names_of_their_own() {
        let paths = [
            "a/x/1", "a/x/2", "a/y/1", "b/1", "b/2", "b/3", "b/4", "c", "d",
        ];
        let units = [
            unit(&[0, 1, 2]),
            unit(&[3, 5]),
            unit(&[4, 6]),
            unit(&[7, 8]),
            unit(&[2]),
        ];
        assert_eq!(names(&units, &paths), ["a", "b/1", "b/2", "c", "a/y/1"]);
        assert_eq!(folder(["ab/1", "a/1"].into_iter()), None);
    }
}
