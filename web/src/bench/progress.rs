//! How far the work has come, in a bar and in words, and the button that ends it.

use super::queue::{Queue, Status};
use crate::language::{t, tr, tv};
use crate::words;
use leptos::prelude::*;

/// The bar, the words, and the button.
#[component]
pub fn Progress(queue: Queue) -> impl IntoView {
    let all = Memo::new(move |_| queue.len());
    let busy = Memo::new(move |_| {
        matches!(
            *queue.status.read(),
            Status::Starting | Status::Sorting | Status::Running
        )
    });
    let counts = Memo::new(move |_| queue.counts());
    let line = move || {
        let (done, bad) = counts.get();
        let values = [
            ("done", done.into()),
            ("all", all.get().into()),
            ("bad", bad.into()),
        ];
        match queue.status.get() {
            Status::Starting => t("batch.starting"),
            Status::Sorting => {
                queue.news.track();
                let [done, all] = queue.sorted.get_untracked();
                tv("table.sorting", &[("n", done.into()), ("all", all.into())])
            }
            Status::Running => tv("batch.running", &values),
            Status::Done => tv("batch.done", &values),
            Status::Cancelled => tv("batch.cancelled", &values),
            Status::Failed(line) => line.text(),
        }
    };
    let left = move || {
        queue
            .left()
            .map(|left| tv("batch.left", &[("time", time(left).into())]))
    };
    // Screen readers hear of tenths, not of each file.
    let heard = Memo::new(move |_| {
        let (done, _) = counts.get();
        let tenth = done * 10 / all.get().max(1);
        (queue.status.get(), tenth)
    });
    let said = move || {
        // Read, not only tracked: a memo that nobody reads follows nothing.
        heard.with(|_| ());
        untrack(line)
    };
    view! {
        <div class="progress">
            <p aria-hidden="true">
                <span id="batch-line">{line}</span>
                " "
                <span class="hint number">{left}</span>
            </p>
            <p class="unseen" role="status">{said}</p>
            <progress
                aria-label=tr("batch.progress")
                max=move || all.get().max(1).to_string()
                value=move || counts.get().0.to_string()
                hidden=move || !busy.get()
            ></progress>
            {move || {
                if busy.get() {
                    view! {
                        <button type="button" class="button" id="batch-cancel" on:click=move |_| queue.cancel()>
                            {tr("batch.cancel")}
                        </button>
                    }
                        .into_any()
                } else if *queue.status.read() == Status::Done {
                    ().into_any()
                } else {
                    view! {
                        <button type="button" class="button" id="batch-resume" on:click=move |_| queue.resume()>
                            {tr("batch.resume")}
                        </button>
                    }
                        .into_any()
                }
            }}
        </div>
    }
}

/// A time to wait, in whole units.
fn time(milliseconds: f64) -> String {
    let seconds = (milliseconds / 1000.0).ceil();
    if seconds < 90.0 {
        tv(
            "batch.seconds",
            &[("n", crate::language::decimal(seconds, 0).into())],
        )
    } else {
        let minutes = (seconds / 60.0).ceil();
        tv("batch.minutes", &[("n", words_number(minutes).into())])
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn words_number(number: f64) -> String {
    words::count(number as u64)
}
