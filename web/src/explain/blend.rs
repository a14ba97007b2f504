//! Two maps on one scan.

use super::method_title;
use crate::language::{tr, tv};
use crate::state::Desk;
use crate::words;
use leptos::prelude::*;
use scanlight_engine::protocol::Method;

impl Desk {
    /// The second map on the scan, where one is chosen.
    pub fn second_heat(self) -> Option<Vec<u8>> {
        let (method, class) = self.explain.second.get()?;
        self.explain.maps(method)?.heat.get(class).cloned()
    }

    pub fn map_title(self, method: Method, class: usize) -> String {
        let name = self.outcome.with(|outcome| {
            let class = outcome.as_ref()?.classes.get(class)?;
            Some(words::class_title(class))
        });
        tv(
            "explain.cell",
            &[
                ("method", method_title(method).into()),
                ("class", name.unwrap_or_default().into()),
            ],
        )
    }
}

/// The chooser of a second map, and what the two colours mean.
#[component]
pub fn Blend() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let classes = move || {
        desk.outcome
            .with(|o| o.as_ref().map_or(0, |o| o.classes.len()))
    };
    // The maps that are there, each as its place in the list of methods and its class.
    let offered = move || {
        Method::ALL
            .into_iter()
            .enumerate()
            .filter(|(_, method)| desk.explain.maps(*method).is_some())
            .flat_map(|(place, method)| (0..classes()).map(move |class| (place, method, class)))
            .collect::<Vec<_>>()
    };
    let choose = move |value: String| {
        let second = value.split_once('.').and_then(|(place, class)| {
            let method = Method::ALL.get(place.parse::<usize>().ok()?)?;
            Some((*method, class.parse().ok()?))
        });
        desk.explain.second.set(second);
        desk.look.shown.set(true);
    };
    view! {
        <div class="blend">
            <label class="choice">
                <span>{tr("explain.blend")}</span>
                <select id="second" on:change:target=move |event| choose(event.target().value())>
                    <option value="" selected=move || desk.explain.second.get().is_none()>
                        {tr("explain.no_second")}
                    </option>
                    {move || {
                        offered()
                            .into_iter()
                            .map(|(place, method, class)| {
                                view! {
                                    <option
                                        value=format!("{place}.{class}")
                                        selected=move || desk.explain.second.get() == Some((method, class))
                                    >
                                        {desk.map_title(method, class)}
                                    </option>
                                }
                            })
                            .collect_view()
                    }}
                </select>
            </label>
        </div>
    }
}
