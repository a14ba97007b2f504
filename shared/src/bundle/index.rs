//! `index.json`: the published models, read by the page at run time.

use serde::{Deserialize, Serialize};

use super::{BundleError, is_id};

/// The list of published models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIndex {
    /// Id of the model that is used unless another is chosen.
    pub default: String,
    /// The models, in the order they are offered.
    pub models: Vec<ModelEntry>,
}

/// One published model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Its id, also its folder beside the index.
    pub id: String,
    /// Its name for people.
    pub title: String,
}

impl ModelIndex {
    /// Reads and checks an index.
    pub fn parse(json: &[u8]) -> Result<Self, BundleError> {
        let index: Self = serde_json::from_slice(json).map_err(|error| BundleError::Manifest {
            reason: format!("the model index: {error}"),
        })?;
        for id in index
            .models
            .iter()
            .map(|model| &model.id)
            .chain([&index.default])
        {
            if !is_id(id) {
                return Err(BundleError::Value {
                    field: "a model id in the index",
                    found: format!("{id:?}"),
                    expected: "1 to 64 lower-case letters, digits, '-' or '_'",
                });
            }
        }
        if !index.models.iter().any(|model| model.id == index.default) {
            return Err(BundleError::Value {
                field: "the default model of the index",
                found: format!("{:?}", index.default),
                expected: "the id of one of its models",
            });
        }
        Ok(index)
    }

    /// Adds a model or renames it; the first one becomes the default.
    pub fn insert(&mut self, id: &str, title: &str) {
        match self.models.iter_mut().find(|model| model.id == id) {
            Some(model) => model.title = title.into(),
            None => self.models.push(ModelEntry {
                id: id.into(),
                title: title.into(),
            }),
        }
        if self.default.is_empty() {
            self.default = id.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_is_the_default_and_names_are_checked() {
        let mut index = ModelIndex::default();
        index.insert("compact", "Compact");
        index.insert("reference-cnn", "Reference");
        index.insert("compact", "Compact 2");
        assert_eq!(index.default, "compact");
        assert_eq!(index.models.len(), 2);
        let json = serde_json::to_vec(&index).unwrap();
        assert_eq!(ModelIndex::parse(&json).unwrap(), index);
        let hostile = br#"{"default": "..", "models": [{"id": "..", "title": "x"}]}"#;
        assert!(matches!(
            ModelIndex::parse(hostile),
            Err(BundleError::Value { .. })
        ));
    }
}
