//! Before and after on scans that were held out, and what to do with the new bundle.

use super::curve::Curve;
use super::tuner::Tuner;
use crate::bench::files;
use crate::language::{Line, decimal, t, tr, tv};
use crate::words;
use js_sys::Array;
use leptos::html::H3;
use leptos::prelude::*;
use scanlight_measures::intervals::wilson_interval;
use scanlight_tuner::protocol::{Report, Score, Strangeness};
use web_sys::{Blob, BlobPropertyBag};

/// The numbers and the buttons.
#[component]
pub fn Outcome(tuner: Tuner) -> impl IntoView {
    let Some(report) = tuner.report.get_untracked() else {
        return ().into_any();
    };
    let heading = NodeRef::<H3>::new();
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            // What had the focus is gone. Without this the keyboard begins at the top of the page.
            let _ = heading.focus();
        }
    });
    let said = RwSignal::new(None::<Line>);
    let name = format!("{}.zip", report.id);
    let better = report.after.right > report.before.right;
    let images = report.images;
    let rows = [report.before, report.after].map(|score| row(score, images));
    let [before, after] = rows;
    let noted = report.clone();
    let notes = move || {
        let lines = notes(tuner, &noted).into_iter();
        lines
            .map(|line| view! { <li>{line.text()}</li> })
            .collect_view()
    };
    let how = move || held_out(&report);
    view! {
        <section class="numbers tune-outcome" aria-labelledby="tune-outcome-title">
            <h3 id="tune-outcome-title" tabindex="-1" node_ref=heading>
                {tr("personalise.done")}
            </h3>
            <p id="tune-better" class:bad-line=!better>
                {tr(if better { "personalise.better" } else { "personalise.no_better" })}
            </p>
            <p class="hint" id="tune-how">{how}</p>
            <div class="table-box" tabindex="0" role="region" aria-label=tr("personalise.numbers")>
                <table class="answers" id="tune-numbers" aria-describedby="tune-how">
                    <caption class="unseen">{tr("personalise.numbers")}</caption>
                    <thead>
                        <tr>
                            <td></td>
                            <th scope="col">{tr("personalise.right")}</th>
                            <th scope="col">{tr("personalise.interval")}</th>
                            <th scope="col">{tr("personalise.loss")}</th>
                        </tr>
                    </thead>
                    <tbody>
                        <tr id="tune-before">
                            <th scope="row">{tr("personalise.before")}</th>
                            {before}
                        </tr>
                        <tr id="tune-after">
                            <th scope="row">{tr("personalise.after")}</th>
                            {after}
                        </tr>
                    </tbody>
                </table>
            </div>
            <ul class="tune-notes">{notes}</ul>
            <div class="row">
                <button type="button" class="button primary" id="tune-use" on:click=move |_| {
                    let taken = tuner.use_result();
                    said.set(Some(Line::new(if taken { "personalise.used" } else { "models.not_now" })));
                }>
                    {tr("personalise.use")}
                </button>
                <button type="button" class="button" id="tune-save" on:click=move |_| save(tuner, &name)>
                    {tr("personalise.save")}
                </button>
                <button type="button" class="button" id="tune-back" on:click=move |_| tuner.back()>
                    {tr("personalise.back")}
                </button>
            </div>
            <p role="status" id="tune-used">
                {move || said.get().map(|line| line.text())}
            </p>
            <Curve tuner />
        </section>
    }
    .into_any()
}

/// The cells of one row.
fn row(score: Score, images: u64) -> impl IntoView {
    #[allow(clippy::cast_precision_loss)]
    let share = score.right as f64 / images.max(1) as f64;
    let interval = wilson_interval(score.right, images);
    view! {
        <td class="number">
            {move || {
                tv(
                    "personalise.of",
                    &[
                        ("right", score.right.into()),
                        ("all", images.into()),
                        ("share", words::share(share).into()),
                    ],
                )
            }}
        </td>
        <td class="number">
            {move || {
                interval
                    .map(|[low, high]| {
                        tv(
                            "personalise.range",
                            &[("low", words::share(low).into()), ("high", words::share(high).into())],
                        )
                    })
            }}
        </td>
        <td class="number">{move || decimal(score.loss, 3)}</td>
    }
}

/// How the scans were held out.
fn held_out(report: &Report) -> String {
    let values = [
        ("n", report.images.into()),
        ("rounds", report.rounds.into()),
    ];
    if report.alone {
        tv("personalise.alone", &values)
    } else {
        tv("personalise.rounds", &values)
    }
}

/// What should be known about the new model.
fn notes(tuner: Tuner, report: &Report) -> Vec<Line> {
    let mut lines = vec![
        Line::new("personalise.changes")
            .with("mended", report.mended)
            .with("spoiled", report.spoiled),
        Line::new("personalise.trained")
            .with("steps", report.steps)
            .with("moved", words::share(report.moved))
            .with("time", words::duration(report.ms)),
        Line::new("personalise.patients"),
    ];
    if !report.unseen.is_empty() {
        let classes = tuner.model.with_value(|model| {
            let names = report
                .unseen
                .iter()
                .filter_map(|class| model.classes.get(*class));
            let titles: Vec<String> = names.map(|name| words::class_title(name)).collect();
            titles.join(&t("list.separator"))
        });
        lines.push(Line::new("personalise.unseen").with("classes", classes));
    }
    if report.never_unsure {
        lines.push(Line::new("personalise.never_unsure"));
    }
    match report.strangeness {
        Strangeness::Raised => lines.push(Line::new("personalise.raised")),
        Strangeness::Dropped => lines.push(Line::new("personalise.dropped")),
        Strangeness::Kept | Strangeness::None => {}
    }
    lines.push(Line::new(if report.refitted {
        "personalise.refitted"
    } else {
        "personalise.temperature"
    }));
    lines
}

fn save(tuner: Tuner, name: &str) {
    let Some([_, _, archive]) = tuner.result() else {
        return;
    };
    let properties = BlobPropertyBag::new();
    properties.set_type("application/zip");
    let saved = Blob::new_with_u8_array_sequence_and_options(&Array::of1(&archive), &properties)
        .and_then(|blob| files::save(name, &blob));
    if let Err(error) = saved {
        web_sys::console::error_1(&error);
    }
}
