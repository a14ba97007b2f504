//! Looking through a unit that is more than a picture: the reader reads it, every slice of each thing in it is classified
//! as the reading room's survey does it, and the most suspicious one stands for it.

use super::ask::Heard;
use super::reader::Stop;
use super::run::unreadable;
use super::{Answer, Queue, Row, SliceOf, State};
use crate::intake::{Dropped, LARGEST};
use crate::language::Line;
use crate::requests;
use crate::session::{Values, rejection};
use crate::study::{Absent, At, Glance, MOST_BYTES, first_place, most_suspicious};
use js_sys::Uint8Array;
use leptos::prelude::*;
use scanlight_engine::protocol::Reply as Said;
use scanlight_reader::protocol::{Item, Reply, Request, Shape};

impl Queue {
    /// Looks through the unit of this index, and goes on.
    pub(super) async fn look_through(self, unit: usize, turn: u32) {
        match self.look(unit, turn).await {
            _ if !self.is_turn(turn) => return,
            Ok(()) | Err(Stop::Cancelled) => {}
            // Of what is not done yet nothing more can be said.
            Err(Stop::Bad(line)) => self.rows.update_value(|rows| {
                let waiting = rows.iter_mut().filter(|row| {
                    row.unit == unit && matches!(row.state, State::Waiting | State::Looking { .. })
                });
                for row in waiting {
                    row.state = State::Bad(line.clone());
                }
            }),
        }
        self.update(|inner| inner.looks = false);
        self.tell();
        self.go_on();
    }

    async fn look(self, unit: usize, turn: u32) -> Result<(), Stop> {
        let files: Vec<Dropped> = self
            .update(|inner| {
                let unit = inner.units.get(unit)?;
                let files = unit.files.iter();
                Some(
                    files
                        .filter_map(|file| inner.files.get(*file).cloned())
                        .collect(),
                )
            })
            .flatten()
            .unwrap_or_default();
        let several = files.len() > 1;
        let (names, buffers, mut bad) = self.read_all(files, turn).await?;
        let (mut items, mut passed_over) = (Vec::new(), Vec::new());
        if !names.is_empty() {
            let request = |id| Request::Open { id, names };
            let (reply, _) = self.ask_reader(request, &buffers).await?;
            if let Reply::Opened {
                items: found,
                failures,
                skipped,
                ..
            } = reply
            {
                items = found;
                bad.extend(failures.into_iter().map(|failure| {
                    let reason = rejection(&failure.complaint);
                    (failure.name, Line::new("batch.bad").with("reason", reason))
                }));
                passed_over = skipped;
            }
        }
        let passed_over = passed_over.into_iter().map(|file| Absent {
            reason: rejection(&file.complaint),
            name: file.name,
        });
        if items.is_empty() && bad.is_empty() {
            let line = match passed_over.into_iter().next() {
                Some(file) => Line::new("batch.bad").with("reason", file.reason),
                None => Line::new("study.nothing"),
            };
            return Err(Stop::Bad(line));
        }
        self.skipped.update(|known| {
            for file in passed_over {
                // They are passed over again after somebody has cancelled.
                if !known.contains(&file) {
                    known.push(file);
                }
            }
        });
        let rows = self.make_rows(unit, several, &items, bad);
        for (index, item) in items.iter().enumerate() {
            let Some(&row) = rows.get(index) else { break };
            let done = self.rows.with_value(
                |rows| matches!(rows.get(row), Some(row) if matches!(row.state, State::Done(_))),
            );
            if done {
                // Before somebody cancelled.
                continue;
            }
            let state = match self.look_at(row, index, item, turn).await {
                Ok(answer) => State::Done(answer.into()),
                Err(Stop::Bad(line)) => State::Bad(line),
                Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            };
            if !self.is_turn(turn) {
                return Err(Stop::Cancelled);
            }
            self.settle(row, state);
        }
        Ok(())
    }

    /// Names and bytes of the files, and those that cannot be read.
    #[allow(clippy::type_complexity)]
    async fn read_all(
        self,
        files: Vec<Dropped>,
        turn: u32,
    ) -> Result<(Vec<String>, Vec<Uint8Array>, Vec<(String, Line)>), Stop> {
        let (mut names, mut buffers, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        let mut room = MOST_BYTES;
        for file in files {
            if file.size() > LARGEST {
                bad.push((file.path, Line::new("batch.too_large")));
                continue;
            }
            if file.size() > room {
                let reason = Line::new("study.too_many_bytes");
                bad.push((file.path, Line::new("batch.bad").with("reason", reason)));
                continue;
            }
            let read = file.bytes().await;
            if !self.is_turn(turn) {
                return Err(Stop::Cancelled);
            }
            match read {
                Ok(bytes) => {
                    room -= file.size();
                    names.push(file.path);
                    buffers.push(bytes);
                }
                Err(error) => bad.push((file.path, unreadable(&error))),
            }
        }
        Ok((names, buffers, bad))
    }

    /// The rows of what is in a unit, by their indices: its items, then the files that could not be read. Those that
    /// are there already, of a time before somebody cancelled, stay.
    fn make_rows(
        self,
        unit: usize,
        several: bool,
        items: &[Item],
        bad: Vec<(String, Line)>,
    ) -> Vec<usize> {
        self.rows
            .try_update_value(|rows| {
                let own = rows.get(unit).map(|row| row.path.clone());
                let own = own.unwrap_or_default();
                let base = |item: &Item| {
                    if several {
                        own.clone()
                    } else {
                        item.name.clone()
                    }
                };
                let named = items.iter().enumerate().map(|(index, item)| {
                    let name = base(item);
                    let same = |other: &&Item| base(other) == name;
                    // Several of a series are numbered.
                    if items.iter().filter(same).count() > 1 {
                        let number = items.iter().take(index + 1).filter(same).count();
                        (format!("{name} ({number})"), State::Waiting)
                    } else {
                        (name, State::Waiting)
                    }
                });
                let named: Vec<_> = named
                    .chain(bad.into_iter().map(|(name, line)| (name, State::Bad(line))))
                    .collect();
                let mut places = Vec::new();
                for (item, (path, state)) in named.into_iter().enumerate() {
                    let place = rows
                        .iter()
                        .position(|row| row.unit == unit && row.item == item);
                    places.push(place.unwrap_or(rows.len()));
                    match place.and_then(|place| rows.get_mut(place)) {
                        Some(row) => {
                            row.path = path;
                            if matches!(state, State::Bad(_)) {
                                row.state = state;
                            }
                        }
                        None => rows.push(Row {
                            item,
                            state,
                            ..Row::new(path, unit, None)
                        }),
                    }
                }
                places.truncate(items.len());
                places
            })
            .unwrap_or_default()
    }

    /// The answer to the most suspicious slice of an item; to the one in the middle where the model accepts none.
    async fn look_at(
        self,
        row: usize,
        item: usize,
        found: &Item,
        turn: u32,
    ) -> Result<Answer, Stop> {
        let begun = requests::now();
        let first = first_place(0, item, found);
        let at = |index| At {
            item,
            plane: first.plane,
            index,
        };
        let count = found.shape.slices(first.plane);
        let mut glances: Vec<Option<Glance>> = Vec::new();
        if count > 1 {
            for index in 0..count {
                self.settle(
                    row,
                    State::Looking {
                        done: index,
                        all: count,
                    },
                );
                glances.push(Some(match self.classify(at(index), true, turn).await {
                    Ok((
                        Said::Glanced {
                            probabilities,
                            verdict,
                            ..
                        },
                        _,
                    )) => Glance::Answer {
                        probabilities,
                        verdict,
                    },
                    Ok(_) => Glance::Missed(String::new()),
                    Err(Stop::Bad(line)) => Glance::Missed(untrack(|| line.text())),
                    Err(Stop::Cancelled) => return Err(Stop::Cancelled),
                }));
            }
        }
        let classes = self.model.with_value(|model| model.classes.clone());
        let index = most_suspicious(
            &glances,
            &classes,
            matches!(found.shape, Shape::Volume { .. }),
        )
        .unwrap_or(first.index);
        let (said, buffers) = self.classify(at(index), false, turn).await?;
        let Said::Classified { report, .. } = said else {
            return Err(Stop::Bad(Line::new("engine.incomplete")));
        };
        let slice = SliceOf {
            plane: matches!(found.shape, Shape::Volume { .. }).then_some(first.plane),
            index,
            count,
        };
        Ok(Answer {
            slice: (count > 1).then_some(slice),
            ms: requests::now() - begun,
            ..Answer::new(report, &buffers, false)
        })
    }

    /// The engine's answer to a slice. One that is replaced meanwhile is asked again.
    async fn classify(
        self,
        at: At,
        glance: bool,
        turn: u32,
    ) -> Result<(Said, Vec<Uint8Array>), Stop> {
        let bad = |reason: String| Err(Stop::Bad(Line::new("batch.bad").with("reason", reason)));
        let request = |id| Request::Slice {
            id,
            item: at.item,
            plane: at.plane,
            index: at.index,
        };
        let (reply, buffers) = self.ask_reader(request, &[]).await?;
        let values = match (reply, buffers.into_iter().next()) {
            (
                Reply::Slice {
                    size,
                    range,
                    colourfulness,
                    ..
                },
                Some(values),
            ) => Values {
                values,
                size,
                range,
                colourfulness,
            },
            (Reply::Failed { message, .. }, _) => return bad(message),
            _ => return Err(Stop::Bad(Line::new("engine.incomplete"))),
        };
        while self.engine_is_there(turn).await {
            let heard = self
                .ask(|id| values.request(id, glance), &values.values)
                .await;
            return match heard {
                Some(Heard::Answer(Said::Rejected { complaint, .. }, _)) => {
                    let line = Line::new("batch.bad").with("reason", rejection(&complaint));
                    Err(Stop::Bad(line))
                }
                Some(Heard::Answer(Said::Failed { message, .. }, _)) => bad(message),
                Some(Heard::Answer(said, buffers)) => Ok((said, buffers)),
                Some(Heard::Broke(reason)) => {
                    Err(Stop::Bad(Line::new("batch.bad").with("reason", reason)))
                }
                None => continue,
            };
        }
        Err(Stop::Cancelled)
    }
}
