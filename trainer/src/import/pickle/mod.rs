//! Reads what `torch.save` pickles: dictionaries, lists, numbers, texts and tensors.
//!
//! A pickle is a program (<https://github.com/python/cpython/blob/main/Lib/pickletools.py>). This reader
//! runs nothing: calls of the few functions that rebuild tensors become tensors, all others an empty
//! thing. Values lie in one list and refer to each other by index, so that references back, even in
//! circles, cost nothing.

mod calls;
mod machine;

use anyhow::{Context, Result};

use machine::Machine;

/// Index of a value.
pub type Id = usize;

/// A value of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// A whole number (or a truth value).
    Int(i64),
    /// A text.
    Text(String),
    /// A tuple or list.
    List(Vec<Id>),
    /// Keys and values in order.
    Dict(Vec<(Id, Id)>),
    /// A class or function by its full name.
    Global(String),
    /// Something that lies in another file of the archive.
    Persistent(Id),
    /// A tensor.
    Tensor(Box<TensorRef>),
    /// Anything else.
    Other,
}

/// Where a tensor's values lie.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorRef {
    /// Class of the storage, such as `FloatStorage`.
    pub storage: String,
    /// Name of the storage's file.
    pub key: String,
    /// First value in the storage.
    pub offset: usize,
    /// Sides.
    pub shape: Vec<usize>,
    /// Values from one index to the next, for each side.
    pub strides: Vec<usize>,
}

/// A pickle's values.
#[derive(Debug)]
pub struct Pickle {
    objects: Vec<Object>,
    /// What the pickle is of.
    pub root: Id,
}

impl Pickle {
    /// A value.
    pub fn get(&self, id: Id) -> &Object {
        self.objects.get(id).unwrap_or(&Object::Other)
    }

    /// A text.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Reads a pickle of protocol 2 to 5.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut machine = Machine::new(bytes);
        let root = machine
            .run()
            .context("the pickle in the file is not read")?;
        Ok(Self {
            objects: machine.into_objects(),
            root,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn python_s_own_examples() {
        // pickle.dumps({"a": [1, 300, -5, 2**40], "b": (None, True)}, protocol=2)
        let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01M,\x01J\xfb\xff\xff\xff\x8a\x06\x00\x00\x00\x00\x00\x01eX\x01\x00\x00\x00bq\x03N\x88\x86q\x04u.";
        let pickle = Pickle::parse(bytes).unwrap();
        let Object::Dict(pairs) = pickle.get(pickle.root) else {
            panic!("{pickle:?}");
        };
        assert_eq!(pickle.text(pairs[0].0), Some("a"));
        let Object::List(numbers) = pickle.get(pairs[0].1) else {
            panic!("{pickle:?}");
        };
        let numbers: Vec<&Object> = numbers.iter().map(|&id| pickle.get(id)).collect();
        assert_eq!(
            numbers,
            [
                &Object::Int(1),
                &Object::Int(300),
                &Object::Int(-5),
                &Object::Int(1 << 40)
            ]
        );
    }

    #[test]
    fn calls_of_other_functions_give_nothing() {
        // os.system("true")
        let bytes = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.";
        let pickle = Pickle::parse(bytes).unwrap();
        assert_eq!(pickle.get(pickle.root), &Object::Other);
    }

    #[test]
    fn a_list_in_itself_ends() {
        let pickle = Pickle::parse(b"\x80\x02]q\x00h\x00a.").unwrap();
        assert_eq!(pickle.get(pickle.root), &Object::List(vec![pickle.root]));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Pickle::parse(&bytes);
        }

        /// Real operations in any order get farther than random bytes.
        #[test]
        fn any_program_ends(
            program in prop::collection::vec(
                prop::sample::select(b"()}]0123tldaesubRQ.NK\x01\x85\x86\x87\x88\x93\x81\x94q\x00h\x00X\x8a".to_vec()), 0..200)
        ) {
            let _ = Pickle::parse(&program);
        }
    }
}
