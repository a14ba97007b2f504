//! Reads what `torch.save` pickles: dictionaries, lists, numbers, texts and tensors.
//!
//! A pickle is a program (<https://github.com/python/cpython/blob/main/Lib/pickletools.py>). This reader
//! runs nothing: calls of the few functions that rebuild tensors become tensors, all others an empty
//! thing. Values lie in one list and refer to each other by index, so that references back, even in
//! circles, cost nothing.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

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
    Tensor(TensorRef),
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
        let mut machine = Machine {
            rest: bytes,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine
            .run()
            .context("the pickle in the file is not read")?;
        Ok(Self {
            objects: machine.objects,
            root,
        })
    }
}

struct Machine<'a> {
    rest: &'a [u8],
    objects: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: u64) -> Result<&'a [u8]> {
        let (taken, rest) = usize::try_from(count)
            .ok()
            .and_then(|count| self.rest.split_at_checked(count))
            .context("it is cut off")?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, size: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        let taken = self.take(size)?;
        bytes[..taken.len()].copy_from_slice(taken);
        Ok(u64::from_le_bytes(bytes))
    }

    fn line(&mut self) -> Result<String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(end.context("it is cut off")? as u64)?;
        self.take(1)?;
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    fn text(&mut self, size: u64) -> Result<()> {
        let text = String::from_utf8_lossy(self.take(size)?).into_owned();
        self.push(Object::Text(text));
        Ok(())
    }

    fn push(&mut self, object: Object) {
        self.objects.push(object);
        self.stack.push(self.objects.len() - 1);
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        ensure!(self.stack.len() > floor, "it takes from an empty stack");
        self.stack.pop().context("it takes from an empty stack")
    }

    fn top(&self) -> Result<Id> {
        self.stack.last().copied().context("its stack is empty")
    }

    /// What was put on the stack since the last mark.
    fn since_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().context("it has no mark")?;
        ensure!(mark <= self.stack.len(), "its mark is above the stack");
        Ok(self.stack.split_off(mark))
    }

    fn run(&mut self) -> Result<Id> {
        loop {
            match self.take(1)?[0] {
                // PROTO, FRAME
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'.' => return self.top(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.since_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                // Containers.
                b'}' => self.push(Object::Dict(Vec::new())),
                b']' | b')' | 0x8f => self.push(Object::List(Vec::new())),
                b't' | b'l' | 0x91 => {
                    let items = self.since_mark()?;
                    self.push(Object::List(items));
                }
                b'd' => {
                    let items = self.since_mark()?;
                    let pairs = pairs(&items)?;
                    self.push(Object::Dict(pairs));
                }
                opcode @ 0x85..=0x87 => {
                    let mut items = Vec::new();
                    for _ in 0..opcode - 0x84 {
                        items.push(self.pop()?);
                    }
                    items.reverse();
                    self.push(Object::List(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.extend(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.since_mark()?;
                    self.extend(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(vec![(key, value)])?;
                }
                b'u' => {
                    let items = self.since_mark()?;
                    let pairs = pairs(&items)?;
                    self.set(pairs)?;
                }
                // Numbers.
                b'N' => self.push(Object::Other),
                opcode @ (0x88 | 0x89) => self.push(Object::Int(i64::from(opcode == 0x88))),
                b'K' => self.int(1)?,
                b'M' => self.int(2)?,
                b'J' => {
                    let value = self.number(4)? as u32 as i32;
                    self.push(Object::Int(value.into()));
                }
                0x8a => {
                    let size = self.number(1)?;
                    ensure!(size <= 8, "it has a number of {size} bytes");
                    let value = self.number(size)? as i64;
                    // The sign is in the highest byte that is there.
                    let shift = 64 - 8 * size as u32;
                    let value = value.checked_shl(shift).map_or(0, |value| value >> shift);
                    self.push(Object::Int(value));
                }
                b'G' => {
                    self.take(8)?;
                    self.push(Object::Other);
                }
                // Texts and bytes.
                b'X' => {
                    let size = self.number(4)?;
                    self.text(size)?;
                }
                0x8c => {
                    let size = self.number(1)?;
                    self.text(size)?;
                }
                0x8d => {
                    let size = self.number(8)?;
                    self.text(size)?;
                }
                opcode @ (b'U' | b'C' | b'T' | b'B' | 0x8e | 0x96) => {
                    let size = self.number(match opcode {
                        b'U' | b'C' => 1,
                        b'T' | b'B' => 4,
                        _ => 8,
                    })?;
                    self.take(size)?;
                    self.push(Object::Other);
                }
                // Memory.
                b'q' => self.memorise(1)?,
                b'r' => self.memorise(4)?,
                0x94 => {
                    let top = self.top()?;
                    self.memo.insert(self.memo.len() as u64, top);
                }
                b'h' => self.recall(1)?,
                b'j' => self.recall(4)?,
                // Classes and calls.
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Object::Global(format!("{module}.{name}")));
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let full = match (self.object(module), self.object(name)) {
                        (Object::Text(module), Object::Text(name)) => format!("{module}.{name}"),
                        _ => bail!("it names a class by something that is no text"),
                    };
                    self.push(Object::Global(full));
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    let result = self.call(function, arguments)?;
                    self.stack.push(result);
                }
                0x92 => {
                    for _ in 0..3 {
                        self.pop()?;
                    }
                    self.push(Object::Other);
                }
                // An object's state: of no interest.
                b'b' => drop(self.pop()?),
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Object::Persistent(id));
                }
                opcode => bail!("it uses the operation {opcode:#04x}"),
            }
        }
    }

    fn int(&mut self, size: u64) -> Result<()> {
        let value = self.number(size)?;
        self.push(Object::Int(value as i64));
        Ok(())
    }

    fn memorise(&mut self, size: u64) -> Result<()> {
        let key = self.number(size)?;
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, size: u64) -> Result<()> {
        let key = self.number(size)?;
        let id = self
            .memo
            .get(&key)
            .context("it recalls what it never had")?;
        self.stack.push(*id);
        Ok(())
    }

    fn object(&self, id: Id) -> &Object {
        self.objects.get(id).unwrap_or(&Object::Other)
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<()> {
        let top = self.top()?;
        match self.objects.get_mut(top) {
            Some(Object::List(list)) => list.extend(items),
            Some(Object::Other) => {}
            _ => bail!("it appends to something that is no list"),
        }
        Ok(())
    }

    fn set(&mut self, pairs: Vec<(Id, Id)>) -> Result<()> {
        let top = self.top()?;
        match self.objects.get_mut(top) {
            Some(Object::Dict(dict)) => dict.extend(pairs),
            Some(Object::Other) => {}
            _ => bail!("it sets a key of something that is no dictionary"),
        }
        Ok(())
    }

    /// What a call gives, as far as it is of interest.
    fn call(&mut self, function: Id, arguments: Id) -> Result<Id> {
        let Object::Global(name) = self.object(function) else {
            self.objects.push(Object::Other);
            return Ok(self.objects.len() - 1);
        };
        let arguments = match self.object(arguments) {
            Object::List(items) => items.as_slice(),
            _ => &[],
        };
        let result = match name.as_str() {
            "collections.OrderedDict" => Object::Dict(Vec::new()),
            // A parameter is a tensor with settings for training.
            "torch._utils._rebuild_parameter" => match arguments.first() {
                Some(&tensor) => return Ok(tensor),
                None => Object::Other,
            },
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => {
                Object::Tensor(self.tensor(arguments).context("a tensor is damaged")?)
            }
            _ => Object::Other,
        };
        self.objects.push(result);
        Ok(self.objects.len() - 1)
    }

    /// Storage, offset, sides, strides, and settings of no interest.
    fn tensor(&self, arguments: &[Id]) -> Result<TensorRef> {
        let [storage, offset, shape, strides, ..] = arguments else {
            bail!("it has {} parts", arguments.len());
        };
        let Object::Persistent(storage) = self.object(*storage) else {
            bail!("it has no storage");
        };
        // ("storage", class, key, device, length)
        let Object::List(storage) = self.object(*storage) else {
            bail!("its storage is not described");
        };
        let (class, key) = match storage.get(1..3) {
            Some(&[class, key]) => (self.object(class), self.object(key)),
            _ => bail!("its storage is not described"),
        };
        let (Object::Global(class), Object::Text(key)) = (class, key) else {
            bail!("its storage is not described");
        };
        // Both are kept with every tensor, and may be referred to without end.
        ensure!(class.len().max(key.len()) <= 256, "a name is too long");
        Ok(TensorRef {
            storage: class.rsplit('.').next().unwrap_or(class).into(),
            key: key.clone(),
            offset: self.size(*offset)?,
            shape: self.sizes(*shape)?,
            strides: self.sizes(*strides)?,
        })
    }

    fn size(&self, id: Id) -> Result<usize> {
        match self.object(id) {
            Object::Int(value) => usize::try_from(*value).context("it has a negative size"),
            _ => bail!("a size is no number"),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>> {
        match self.object(id) {
            Object::List(items) if items.len() <= 8 => {
                items.iter().map(|&item| self.size(item)).collect()
            }
            Object::List(_) => bail!("it has too many sides"),
            _ => bail!("its sides are no list"),
        }
    }
}

/// Keys and values in turn.
fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>> {
    ensure!(items.len().is_multiple_of(2), "a key has no value");
    Ok(items
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect())
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
