//! From a model's weights to those of the same network with another class list.

use std::fmt;

use anyhow::{Result, bail};
use scanlight_model::bundle::weights::{StoredTensor, Tensors};

/// The tensors with one row for each class.
const BY_CLASS: [&str; 2] = ["head.output.weight", "head.output.bias"];

/// For each class of the new list, its place in the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    rows: Vec<Option<usize>>,
    old: usize,
    kept: Vec<String>,
    new: Vec<String>,
}

impl Plan {
    /// Finds each class by its name.
    pub fn new(old: &[String], new: &[String]) -> Self {
        let rows: Vec<Option<usize>> = new
            .iter()
            .map(|class| old.iter().position(|other| other == class))
            .collect();
        let named = |kept: bool| -> Vec<String> {
            let chosen = new.iter().zip(&rows);
            chosen
                .filter(|(_, row)| row.is_some() == kept)
                .map(|(class, _)| class.clone())
                .collect()
        };
        Self {
            old: old.len(),
            kept: named(true),
            new: named(false),
            rows,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.new.is_empty() {
            return f.write_str("all classes keep their outputs");
        }
        if self.kept.is_empty() {
            return f.write_str("all classes are new and start at random");
        }
        write!(
            f,
            "{} keep their outputs, {} start at random",
            self.kept.join(", "),
            self.new.join(", ")
        )
    }
}

/// The old model's tensors, except for the output layer: there, a class that both know keeps its row
/// and the others have those of `fresh`.
pub fn transfer(fresh: Tensors, mut old: Tensors, plan: &Plan) -> Result<Tensors> {
    let mut tensors = Tensors::new();
    for (name, mut tensor) in fresh {
        let Some(source) = old.remove(&name) else {
            bail!("it has no tensor {name:?}");
        };
        if BY_CLASS.contains(&name.as_str()) {
            copy_rows(&name, &mut tensor, &source, plan)?;
        } else if tensor.shape == source.shape {
            tensor = source;
        } else {
            bail!(
                "its tensor {name:?} has shape {:?}, but the network needs {:?}",
                source.shape,
                tensor.shape
            );
        }
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

fn copy_rows(name: &str, to: &mut StoredTensor, from: &StoredTensor, plan: &Plan) -> Result<()> {
    let row: usize = to.shape.iter().skip(1).product();
    let fits = to.shape.first() == Some(&plan.rows.len())
        && from.shape.first() == Some(&plan.old)
        && from.shape.get(1..) == to.shape.get(1..)
        && row > 0;
    if !fits {
        bail!("its tensor {name:?} has shape {:?}", from.shape);
    }
    for (target, old) in to.values.chunks_exact_mut(row).zip(&plan.rows) {
        let source = old.and_then(|old| from.values.get(old * row..(old + 1) * row));
        if let Some(source) = source {
            target.copy_from_slice(source);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(classes: &[&str]) -> Vec<String> {
        classes.iter().map(ToString::to_string).collect()
    }

    /// A backbone tensor and an output layer of width 2 whose rows say which class they are for.
    fn tensors(start: f32, classes: usize) -> Tensors {
        let counted = |shape: &[usize]| StoredTensor {
            shape: shape.to_vec(),
            values: (0..shape.iter().product())
                .map(|i: usize| start + i as f32)
                .collect(),
        };
        [
            ("head.output.bias", counted(&[classes])),
            ("head.output.weight", counted(&[classes, 2])),
            ("stem.conv.weight", counted(&[3])),
        ]
        .map(|(name, tensor)| (name.to_string(), tensor))
        .into()
    }

    #[test]
    fn rows_follow_their_names() {
        let plan = Plan::new(&names(&["a", "b", "c"]), &names(&["c", "new", "a"]));
        let result = transfer(tensors(100.0, 3), tensors(0.0, 3), &plan).unwrap();
        assert_eq!(result["stem.conv.weight"].values, [0.0, 1.0, 2.0]);
        assert_eq!(result["head.output.bias"].values, [2.0, 101.0, 0.0]);
        assert_eq!(
            result["head.output.weight"].values,
            [4.0, 5.0, 102.0, 103.0, 0.0, 1.0]
        );
        assert_eq!(
            plan.to_string(),
            "c, a keep their outputs, new start at random"
        );
    }

    #[test]
    fn another_network_is_refused() {
        let plan = Plan::new(&names(&["a", "b"]), &names(&["a", "b"]));
        let mut other = tensors(0.0, 2);
        other.insert(
            "stem.conv.weight".into(),
            StoredTensor {
                shape: vec![4],
                values: vec![0.0; 4],
            },
        );
        let error = transfer(tensors(1.0, 2), other.clone(), &plan).unwrap_err();
        assert!(error.to_string().contains("stem.conv.weight"));
        other.remove("stem.conv.weight");
        assert!(transfer(tensors(1.0, 2), other, &plan).is_err());
        assert!(transfer(tensors(1.0, 2), tensors(0.0, 3), &plan).is_err());
    }

    proptest! {
        #[test]
        fn a_class_list_and_back_is_the_identity(order in Just(["a", "b", "c", "d", "e"]).prop_shuffle()) {
            let old = names(&["a", "b", "c", "d", "e"]);
            let new = names(&order);
            let start = tensors(0.0, 5);
            let there = transfer(tensors(50.0, 5), start.clone(), &Plan::new(&old, &new)).unwrap();
            let back = transfer(tensors(70.0, 5), there, &Plan::new(&new, &old)).unwrap();
            prop_assert_eq!(back, start);
        }
    }
}
