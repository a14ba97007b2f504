//! The numbers of an evaluation: a list, the confusion matrix, and a table by class.

use super::Metrics;
use crate::bench::queue::Queue;
use crate::language::{decimal, tr, tv};
use crate::words;
use leptos::prelude::*;

/// All of them.
#[component]
pub fn Numbers(queue: Queue, metrics: Metrics) -> impl IntoView {
    let classes = queue.model.with_value(|model| model.classes.clone());
    let ratio =
        |value: Option<f64>| value.map_or_else(|| "–".to_string(), |value| decimal(value, 4));
    let [low, high] = metrics.interval;
    let accuracy = metrics.numbers.accuracy;
    let (images, ece) = (metrics.images as u64, metrics.ece);
    let (auc, f1) = (metrics.numbers.auc_macro, metrics.numbers.f1_macro);
    let (unsure, refused) = (metrics.unsure, metrics.refused);
    let head = classes
        .iter()
        .cloned()
        .map(|class| view! { <th scope="col">{move || words::class_title(&class)}</th> })
        .collect_view();
    let confusion = classes
        .iter()
        .cloned()
        .zip(&metrics.numbers.confusion)
        .enumerate()
        .map(|(index, (class, row))| {
            let cells = row
                .iter()
                .copied()
                .enumerate()
                .map(|(column, count)| {
                    let (right, wrong) = (column == index, column != index && count > 0);
                    view! {
                        <td class="number" class:right=right class:wrong=wrong>
                            {move || words::count(count)}
                        </td>
                    }
                })
                .collect_view();
            view! {
                <tr>
                    <th scope="row">{move || words::class_title(&class)}</th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    let by_class = classes
        .into_iter()
        .zip(metrics.numbers.per_class)
        .map(|(class, report)| {
            let cells = [report.auc, report.precision, report.recall, report.f1]
                .map(|value| view! { <td class="number">{move || ratio(value)}</td> });
            view! {
                <tr>
                    <th scope="row">{move || words::class_title(&class)}</th>
                    <td class="number">{move || words::count(report.images)}</td>
                    {cells.into_iter().collect_view()}
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="numbers" aria-labelledby="numbers-title">
            <h3 id="numbers-title">{tr("evaluate.numbers")}</h3>
            <dl>
                <div>
                    <dt>{tr("evaluate.accuracy")}</dt>
                    <dd id="accuracy" class="number">
                        {move || {
                            tv(
                                "evaluate.interval",
                                &[
                                    ("share", words::share(accuracy).into()),
                                    ("low", words::share(low).into()),
                                    ("high", words::share(high).into()),
                                ],
                            )
                        }}
                    </dd>
                </div>
                <div>
                    <dt>{tr("evaluate.images")}</dt>
                    <dd class="number">{move || words::count(images)}</dd>
                </div>
                <div>
                    <dt>{tr("evaluate.auc")}</dt>
                    <dd class="number">{move || ratio(auc)}</dd>
                </div>
                <div>
                    <dt>{tr("evaluate.f1")}</dt>
                    <dd class="number">{move || ratio(f1)}</dd>
                </div>
                <div>
                    <dt>{tr("evaluate.ece")}</dt>
                    <dd class="number">{move || words::share(ece)}</dd>
                </div>
                <div>
                    <dt>{tr("evaluate.unsure")}</dt>
                    <dd class="number">{move || words::share(unsure)}</dd>
                </div>
                <div>
                    <dt>{tr("evaluate.refused")}</dt>
                    <dd class="number">{move || words::share(refused)}</dd>
                </div>
            </dl>
            <p class="hint">{tr("evaluate.all")}</p>
            <div class="table-box" tabindex="0" role="region" aria-label=tr("evaluate.confusion")>
                <table class="answers" id="confusion">
                    <caption>{tr("evaluate.confusion")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{tr("evaluate.true")}</th>
                            {head}
                        </tr>
                    </thead>
                    <tbody>{confusion}</tbody>
                </table>
            </div>
            <div class="table-box" tabindex="0" role="region" aria-label=tr("evaluate.class_numbers")>
                <table class="answers" id="by-class">
                    <caption>{tr("evaluate.class_numbers")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{tr("evaluate.class")}</th>
                            <th scope="col">{tr("evaluate.count")}</th>
                            <th scope="col">{tr("evaluate.class_auc")}</th>
                            <th scope="col">{tr("evaluate.precision")}</th>
                            <th scope="col">{tr("evaluate.recall")}</th>
                            <th scope="col">{tr("evaluate.class_f1")}</th>
                        </tr>
                    </thead>
                    <tbody>{by_class}</tbody>
                </table>
            </div>
        </section>
    }
}
