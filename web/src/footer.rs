//! What this is, what it does with images, which model runs.

use crate::diagnostics::DiagnosticsButton;
use crate::facts::FactsButton;
use crate::language::{decimal, tr, tv};
use crate::links::CopyLink;
use crate::state::Desk;
use leptos::prelude::*;

/// The page's foot.
#[component]
pub fn Footer() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let requests = move || {
        let Some(count) = desk.requests_since_open() else {
            return "–".to_string();
        };
        match desk.asked_since_open() {
            0 => decimal(count.into(), 0),
            // A change of model fetches weights, a report its program: counted like any request, and said why.
            asked => tv(
                "models.requests",
                &[
                    ("n", decimal(count.into(), 0).into()),
                    ("asked", asked.into()),
                ],
            ),
        }
    };
    view! {
        <footer class="foot">
            <section>
                <h2>{tr("foot.privacy_title")}</h2>
                <p>
                    {tr("foot.privacy")}
                </p>
                <p>
                    {tr("foot.requests")} " "
                    <output id="requests" class="number">
                        {requests}
                    </output>
                </p>
            </section>
            <section>
                <h2>{tr("foot.model_title")}</h2>
                {move || desk.model.get().map(|model| {
                    let training = model.training_line();
                    let licence = Some(model.licence.clone()).filter(|licence| !licence.is_empty());
                    view! {
                        <p>
                            <span lang="en">{model.title.clone()}</span> " · "
                            <span class="number" id="model">
                                {format!("{} {}", model.id, model.short_hash())}
                            </span>
                        </p>
                        <p><FactsButton /></p>
                        {training.map(|line| view! { <p>{tv("foot.trained_on", &[("data", line.into())])}</p> })}
                        {licence.map(|licence| view! { <p>{tv("foot.licence", &[("licence", licence.into())])}</p> })}
                    }
                })}
            </section>
            <section>
                <h2>"Scanlight"</h2>
                <p>
                    {tr("foot.about")}
                </p>
                <p><DiagnosticsButton /></p>
                <p><CopyLink /></p>
                <p><a class="touch" href="./embed.html">{tr("links.embed")}</a></p>
            </section>
        </footer>
    }
}
