//! What this is, what it does with images, which model runs.

use crate::facts::FactsButton;
use crate::state::Desk;
use leptos::prelude::*;

/// The page's foot.
#[component]
pub fn Footer() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let requests = move || {
        desk.requests_since_open()
            .map_or_else(|| "–".to_string(), |count| count.to_string())
    };
    view! {
        <footer class="foot">
            <section>
                <h2>"Your images stay here"</h2>
                <p>
                    "Images are read, classified and drawn on this device. They are neither sent nor stored, and the page's security policy forbids contact with any other server."
                </p>
                <p>
                    "Requests since your file was opened: "
                    <output id="requests" class="number">
                        {requests}
                    </output>
                </p>
            </section>
            <section>
                <h2>"The model"</h2>
                {move || desk.model.get().map(|model| {
                    let training = model.training_line();
                    let licence = Some(model.licence.clone()).filter(|licence| !licence.is_empty());
                    view! {
                        <p>
                            {model.title.clone()} " · "
                            <span class="number" id="model">
                                {format!("{} {}", model.id, model.short_hash())}
                            </span>
                        </p>
                        <p><FactsButton /></p>
                        {training.map(|line| view! { <p>"Trained on " {line} "."</p> })}
                        {licence.map(|licence| view! { <p>"Licence of the weights: " {licence} "."</p> })}
                    }
                })}
            </section>
            <section>
                <h2>"Scanlight"</h2>
                <p>
                    "A convolutional network for brain MRI slices, written in Rust and run as WebAssembly. For education and research; not a medical device."
                </p>
            </section>
        </footer>
    }
}
