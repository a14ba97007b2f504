//! The order of a table's rows.

use super::queue::{Answer, Row, State};
use scanlight_engine::protocol::Verdict;
use std::cmp::Ordering;

/// What a table can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// As the files came; where true classes are known, mistakes first.
    Given,
    /// The path.
    Name,
    /// The true class.
    Label,
    /// What was said.
    Verdict,
    /// The probability of the class of this index.
    Class(usize),
    /// The uncertainty.
    Uncertainty,
    /// The time.
    Time,
}

/// Indices of the rows in the order of a column. Rows without an answer come last, whichever the direction.
pub fn sorted(rows: &[Row], column: Column, descending: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if column == Column::Given && rows.iter().all(|row| row.label.is_none()) {
        // Stable: what is in a unit stays in its order.
        order.sort_by_key(|&index| rows[index].unit);
        if descending {
            order.reverse();
        }
        return order;
    }
    order.sort_by(|&a, &b| compare(&rows[a], &rows[b], column, descending));
    order
}

fn compare(a: &Row, b: &Row, column: Column, descending: bool) -> Ordering {
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    match column {
        Column::Name => return turned(natural(&a.path, &b.path)),
        Column::Label => return turned(a.label.cmp(&b.label)),
        _ => {}
    }
    match (&a.state, &b.state) {
        (State::Done(first), State::Done(second)) => turned(match column {
            Column::Given => mistake(a, first)
                .cmp(&mistake(b, second))
                .reverse()
                .then_with(|| {
                    // Of the mistakes, the surest first.
                    if mistake(a, first) {
                        top(second).total_cmp(&top(first))
                    } else {
                        Ordering::Equal
                    }
                }),
            Column::Verdict => kind(first)
                .cmp(&kind(second))
                .then_with(|| top(second).total_cmp(&top(first))),
            Column::Class(class) => at(first, class).total_cmp(&at(second, class)),
            Column::Uncertainty => first
                .uncertainty
                .unwrap_or(f32::MAX)
                .total_cmp(&second.uncertainty.unwrap_or(f32::MAX)),
            _ => first.ms.total_cmp(&second.ms),
        }),
        (State::Done(_), _) => Ordering::Less,
        (_, State::Done(_)) => Ordering::Greater,
        (State::Bad(_), State::Bad(_)) => Ordering::Equal,
        (State::Bad(_), _) => Ordering::Less,
        (_, State::Bad(_)) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

/// Whether a class was named that is not the true one.
pub fn mistake(row: &Row, answer: &Answer) -> bool {
    row.label.is_some_and(|label| label != answer.predicted)
}

fn at(answer: &Answer, class: usize) -> f32 {
    answer.probabilities.get(class).copied().unwrap_or_default()
}

fn top(answer: &Answer) -> f32 {
    at(answer, answer.predicted)
}

fn kind(answer: &Answer) -> usize {
    match answer.verdict {
        Verdict::Class { class } => class,
        Verdict::Unsure { .. } => usize::MAX - 1,
        Verdict::Strange { .. } => usize::MAX,
    }
}

/// Names as people sort them: `slice2` before `slice10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (Some(first), Some(second)) if first.is_ascii_digit() && second.is_ascii_digit() => {
                let number = |rest: &mut std::iter::Peekable<std::str::Chars>| {
                    let mut digits = String::new();
                    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                        if digit != '0' || !digits.is_empty() {
                            digits.push(digit);
                        }
                    }
                    digits
                };
                let (first, second) = (number(&mut left), number(&mut right));
                let order = first
                    .len()
                    .cmp(&second.len())
                    .then_with(|| first.cmp(&second));
                if order != Ordering::Equal {
                    return order;
                }
            }
            (Some(first), Some(second)) => {
                let order = first.to_lowercase().cmp(second.to_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                left.next();
                right.next();
            }
            (None, None) => return a.cmp(b),
            (first, second) => return first.is_some().cmp(&second.is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::thumbnail::Thumbnail;
    use crate::language::Line;
    use std::sync::Arc;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn row(path: &str, label: Option<usize>, probabilities: Option<[f32; 2]>) -> Row {
        let answer = |probabilities: [f32; 2]| {
            let predicted = usize::from(probabilities[1] > probabilities[0]);
            Answer {
                probabilities: probabilities.to_vec(),
                predicted,
                verdict: Verdict::Class { class: predicted },
                uncertainty: None,
                strangeness: None,
                image: [1, 1],
                ms: 1.0,
                thumbnail: Thumbnail::of(&[], [0, 0]),
                slice: None,
                whole: None,
            }
        };
        Row {
            state: match probabilities {
                Some(probabilities) => State::Done(Arc::new(answer(probabilities))),
                None => State::Bad(Line::new("batch.bad")),
            },
            ..Row::new(path, 0, label)
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn names_as_people_sort_them() {
        let mut names = ["b", "a10.png", "A2.png", "a02.png", "a1.png", "a"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "a1.png", "A2.png", "a02.png", "a10.png", "b"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn rows_without_an_answer_are_last_both_ways() {
        let rows = [
            row("x", None, None),
            row("y", None, Some([0.2, 0.8])),
            row("z", None, Some([0.7, 0.3])),
        ];
        assert_eq!(sorted(&rows, Column::Class(0), false), [1, 2, 0]);
        assert_eq!(sorted(&rows, Column::Class(0), true), [2, 1, 0]);
        assert_eq!(sorted(&rows, Column::Given, true), [2, 1, 0]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_in_a_unit_stays_together() {
        let of = |unit| Row::new("x", unit, None);
        // The first rows are the units'; what else is in them follows.
        let rows = [of(0), of(1), of(2), of(0), of(1), of(0)];
        assert_eq!(sorted(&rows, Column::Given, false), [0, 3, 5, 1, 4, 2]);
        assert_eq!(sorted(&rows, Column::Given, true), [2, 4, 1, 5, 3, 0]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn mistakes_first_the_surest_of_them_before_all() {
        let rows = [
            row("right", Some(0), Some([0.9, 0.1])),
            row("wrong", Some(0), Some([0.4, 0.6])),
            row("sure", Some(0), Some([0.1, 0.9])),
        ];
        assert_eq!(sorted(&rows, Column::Given, false), [2, 1, 0]);
    }
}
