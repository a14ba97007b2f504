//! Views of the workbench about the scan that is open: the page gives them its answer, or the scan and another model.

use super::{Stage, View, Wanted};
use crate::finding::Finding;
use crate::language::Line;
use crate::model::Choice;
use crate::state::Desk;
use js_sys::Array;
use leptos::prelude::*;
use leptos::task::spawn_local;

impl Desk {
    /// Shows the last answer on one page, as the page shows it now.
    pub fn open_report(self) {
        let Some(finding) = untrack(|| Finding::of(self)) else {
            return;
        };
        // Nothing in it can fail to be written.
        let json = serde_json::to_string(&finding).unwrap_or_default();
        self.clear_workbench(View::Report);
        self.open_view(Wanted {
            more: vec![("finding", json.into())],
            ..Wanted::default()
        });
    }

    /// Shows what another model makes of the scan that is open, beside the one in use.
    pub fn compare_with(self, choice: Choice) {
        let Some((request, bytes)) = self.last_scan() else {
            return;
        };
        let name = self
            .outcome
            .with_untracked(|outcome| outcome.as_ref().map(|outcome| outcome.name.clone()));
        let request = serde_json::to_string(&request).unwrap_or_default();
        self.clear_workbench(View::Compare);
        let asked = self.workbench.update(|inner| {
            inner.asked += 1;
            inner.asked
        });
        spawn_local(async move {
            let bundle = self.bundle_of(&choice).await;
            if asked.is_none_or(|asked| !self.workbench.is_current(asked)) {
                return;
            }
            match bundle {
                Ok(Some([manifest, weights])) => self.open_view(Wanted {
                    more: vec![
                        ("request", request.into()),
                        ("scan", bytes.into()),
                        (
                            "name",
                            untrack(|| name.map_or_else(String::new, |name| name.text())).into(),
                        ),
                        ("second", Array::of2(&manifest, &weights).into()),
                    ],
                    ..Wanted::default()
                }),
                Ok(None) => self.close_workbench(),
                Err(error) => {
                    self.workbench.stage.set(Stage::Closed);
                    self.complain(Line::new("compare.failed").with("reason", error.line()));
                }
            }
        });
    }
}
