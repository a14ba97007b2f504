//! One slice after another from the reader to the screen and the engine.

use super::{Place, Slice, Window, Zoom, first_place};
use crate::session::{Content, Input, Values};
use crate::state::{Desk, Name};
use js_sys::{Float32Array, Uint8Array};
use leptos::prelude::*;
use scanlight_reader::protocol::{Plane, Request, Shape};
use std::sync::Arc;
use std::time::Duration;

/// How long a slice stays on the screen before the engine is asked: who scrolls on wants no answer.
const REST: Duration = Duration::from_millis(90);

/// What a slice is wanted for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    /// The screen.
    Screen(Place),
    /// The survey.
    Survey(usize),
}

impl Desk {
    /// Shows another item.
    pub fn go_to_item(self, index: usize) {
        let number = self.study.inner.with_value(|inner| inner.studies);
        let place = self
            .study
            .items
            .with_untracked(|items| Some(first_place(number, index, items.get(index)?)));
        if let Some(place) = place {
            self.stop_survey();
            self.study.survey.forget();
            self.study.window.set(Window::File);
            self.study.zoom.set(Zoom::default());
            self.go_to(place);
        }
    }

    /// Shows another plane of the volume, at its middle.
    pub fn go_to_plane(self, plane: Plane) {
        let place = self.study.place.get_untracked();
        let item = place.and_then(|place| {
            self.study
                .items
                .with_untracked(|items| items.get(place.item).cloned())
        });
        if let (Some(place), Some(item)) = (place, item)
            && place.plane != plane
            && matches!(item.shape, Shape::Volume { .. })
        {
            self.stop_survey();
            self.study.survey.forget();
            self.study.zoom.set(Zoom::default());
            self.go_to(Place {
                plane,
                index: item.shape.slices(plane) / 2,
                ..place
            });
        }
    }

    /// Shows the slice so many further on, or the last one that way.
    pub fn go_by(self, steps: i64) {
        let count = untrack(|| self.study.count());
        if let (Some(place), Some(last)) = (self.study.place.get_untracked(), count.checked_sub(1))
        {
            let last = i64::try_from(last).unwrap_or(i64::MAX);
            let index = i64::try_from(place.index)
                .unwrap_or(0)
                .saturating_add(steps);
            let index = usize::try_from(index.clamp(0, last)).unwrap_or(0);
            self.go_to(Place { index, ..place });
        }
    }

    /// Shows a slice: as soon as it is there, and the newest that was asked for.
    pub fn go_to(self, place: Place) {
        if self.study.place.get_untracked() == Some(place) {
            return;
        }
        self.study.place.set(Some(place));
        let free = self.study.update(|inner| !inner.showing);
        if free == Some(true) {
            self.fetch_slice(place, Wanted::Screen(place));
        }
    }

    /// Asks the reader for a slice.
    pub fn fetch_slice(self, place: Place, wanted: Wanted) {
        let sent = self.study.update(|inner| {
            inner.next_id += 1;
            let id = inner.next_id;
            let request = Request::Slice {
                id,
                item: place.item,
                plane: place.plane,
                index: place.index,
            };
            let client = inner.client.as_ref()?;
            let sent = client.send(&request, &[]);
            if sent.is_ok() {
                inner.wanted.insert(id, wanted);
                inner.showing |= matches!(wanted, Wanted::Screen(_));
            }
            Some(sent)
        });
        if let Some(Some(Err(message))) = sent {
            self.reader_broke(message);
        }
    }

    pub(super) fn slice_came(self, slice: Slice) {
        let place = slice.place;
        self.study.slice.set(Some(Arc::new(slice)));
        let turn = self.study.update(|inner| {
            inner.showing = false;
            inner.shown += 1;
            inner.shown
        });
        match self.study.place.get_untracked() {
            Some(wanted) if wanted != place => {
                self.fetch_slice(wanted, Wanted::Screen(wanted));
            }
            _ => set_timeout(
                move || {
                    let last = self.study.inner.try_with_value(|inner| inner.shown);
                    if last == turn {
                        self.classify_slice();
                    }
                },
                REST,
            ),
        }
    }

    /// Has the engine classify the slice that is shown.
    fn classify_slice(self) {
        let Some(slice) = self.study.slice.get_untracked() else {
            return;
        };
        let Some((item, place)) = untrack(|| self.study.here()) else {
            return;
        };
        if slice.place != place {
            return;
        }
        let count = item.shape.slices(place.plane);
        let name = match item.shape {
            Shape::Pictures { count: 1, .. } => Name::File(item.name),
            Shape::Pictures { .. } => Name::Slice {
                name: item.name,
                plane: None,
                number: place.index + 1,
                count,
            },
            Shape::Volume { .. } => Name::Slice {
                name: item.name,
                plane: Some(place.plane),
                number: place.index + 1,
                count,
            },
        };
        let content = Content::Values(Values {
            values: values_bytes(&slice.values),
            size: slice.size,
            range: slice.range,
            colourfulness: slice.colourfulness,
        });
        let opened = self.study.inner.with_value(|inner| inner.opened);
        self.open(Input::of_study(name, content, place, opened));
    }
}

/// The values' bytes, as messages carry them.
pub fn values_bytes(values: &[f32]) -> Uint8Array {
    Uint8Array::new(&Float32Array::from(values).buffer())
}
