//! The stack machine whose program a pickle is.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

use super::calls::{Called, call};
use super::{Id, Object};

/// The machine as it runs.
pub struct Machine<'a> {
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

    /// A machine before its first step.
    pub fn new(program: &'a [u8]) -> Self {
        Self {
            rest: program,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        }
    }

    /// All values, once it has run.
    pub fn into_objects(self) -> Vec<Object> {
        self.objects
    }

    /// Runs to the end; gives the last value.
    pub fn run(&mut self) -> Result<Id> {
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
                    match call(&self.objects, function, arguments)? {
                        Called::New(object) => self.push(object),
                        Called::Known(id) => self.stack.push(id),
                    }
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
}

/// Keys and values in turn.
fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>> {
    ensure!(items.len().is_multiple_of(2), "a key has no value");
    Ok(items
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect())
}
