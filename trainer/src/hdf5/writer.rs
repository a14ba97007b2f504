//! Writes a file of groups, text attributes and contiguous arrays of 32-bit floats.
//!
//! Version 0 of the superblock, version 1 of object headers and symbol tables: what every reader knows.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::{Attribute, SIGNATURE, UNDEFINED};
use crate::tensors::Values;

/// A group with what it holds.
#[derive(Debug, Clone, Default)]
pub struct Group {
    attributes: Vec<(String, Attribute)>,
    children: BTreeMap<String, Child>,
}

#[derive(Debug, Clone)]
enum Child {
    Group(Group),
    Array(Values),
}

impl Group {
    /// Adds an attribute.
    pub fn attribute(&mut self, name: &str, value: Attribute) {
        self.attributes.push((name.into(), value));
    }

    /// The group of this name, new if there is none yet.
    pub fn group(&mut self, name: &str) -> Result<&mut Group> {
        let child = self
            .children
            .entry(name.into())
            .or_insert_with(|| Child::Group(Group::default()));
        match child {
            Child::Group(group) => Ok(group),
            Child::Array(_) => anyhow::bail!("{name:?} is an array already"),
        }
    }

    /// Adds an array.
    pub fn array(&mut self, name: &str, values: Values) {
        self.children.insert(name.into(), Child::Array(values));
    }

    /// The bytes of a file with this group as its root.
    pub fn into_file(self) -> Result<Vec<u8>> {
        let most = self.most_children();
        let mut writer = Writer {
            bytes: Vec::new(),
            // All entries of a group fit one leaf of its tree.
            leaf: u16::try_from(most.div_ceil(2).max(4)).context("a group has too many members")?,
        };
        writer.reserve(SUPERBLOCK);
        let root = writer.group(&self)?;
        writer.superblock(root);
        Ok(writer.bytes)
    }

    fn most_children(&self) -> usize {
        let below = self.children.values().map(|child| match child {
            Child::Group(group) => group.most_children(),
            Child::Array(_) => 0,
        });
        below.max().unwrap_or(0).max(self.children.len())
    }
}

/// Size of the superblock with the root's entry.
const SUPERBLOCK: usize = 96;
/// Half the number of children of a tree's inner node.
const INTERNAL: u16 = 16;

/// Where a group's parts lie.
struct Table {
    header: u64,
    tree: u64,
    heap: u64,
}

struct Writer {
    bytes: Vec<u8>,
    leaf: u16,
}

impl Writer {
    /// Room for `size` bytes at a multiple of 8; gives its address.
    fn reserve(&mut self, size: usize) -> u64 {
        let start = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(start + size, 0);
        start as u64
    }

    fn append(&mut self, bytes: &[u8]) -> u64 {
        let address = self.reserve(bytes.len());
        self.bytes[address as usize..][..bytes.len()].copy_from_slice(bytes);
        address
    }

    fn superblock(&mut self, root: Table) {
        let mut block = SIGNATURE.to_vec();
        // Versions, then 8 bytes each for addresses and lengths.
        block.extend([0, 0, 0, 0, 0, 8, 8, 0]);
        block.extend(self.leaf.to_le_bytes());
        block.extend(INTERNAL.to_le_bytes());
        block.extend([0; 4]);
        let end = self.bytes.len() as u64;
        words(&mut block, &[0, UNDEFINED, end, UNDEFINED]);
        // The root's entry, which carries its tree and heap.
        words(&mut block, &[0, root.header, 1, root.tree, root.heap]);
        self.bytes[..SUPERBLOCK].copy_from_slice(&block);
    }

    fn group(&mut self, group: &Group) -> Result<Table> {
        let mut names = vec![0u8; 8];
        let mut entries = Vec::new();
        let mut last = 0;
        // In order of the names' bytes, as the tree demands.
        for (name, child) in &group.children {
            ensure!(
                !name.is_empty() && !name.contains(['/', '\0']),
                "{name:?} cannot be a name in HDF5"
            );
            let header = match child {
                Child::Group(group) => self.group(group)?.header,
                Child::Array(values) => self.array(values)?,
            };
            last = names.len() as u64;
            names.extend(name.as_bytes());
            names.push(0);
            names.resize(names.len().next_multiple_of(8), 0);
            words(&mut entries, &[last, header, 0, 0, 0]);
        }

        let names = self.append(&names).to_le_bytes();
        let size = self.bytes.len() as u64 - u64::from_le_bytes(names);
        let mut heap = b"HEAP\0\0\0\0".to_vec();
        // 1: the heap has no free space.
        words(&mut heap, &[size, 1, u64::from_le_bytes(names)]);
        let heap = self.append(&heap);

        let mut leaf = b"SNOD\x01\0".to_vec();
        leaf.extend((group.children.len() as u16).to_le_bytes());
        leaf.extend(entries);
        leaf.resize(8 + 2 * usize::from(self.leaf) * 40, 0);
        let leaf = self.append(&leaf);

        let mut tree = b"TREE\0\0".to_vec();
        tree.extend(u16::from(!group.children.is_empty()).to_le_bytes());
        words(&mut tree, &[UNDEFINED, UNDEFINED, 0]);
        if !group.children.is_empty() {
            words(&mut tree, &[leaf, last]);
        }
        tree.resize(24 + usize::from(INTERNAL) * 2 * 16 + 8, 0);
        let tree = self.append(&tree);

        let mut table = Vec::new();
        words(&mut table, &[tree, heap]);
        let mut messages = vec![(0x11, table)];
        for (name, value) in &group.attributes {
            messages.push((0x0c, attribute(name, value)));
        }
        Ok(Table {
            header: self.header(messages)?,
            tree,
            heap,
        })
    }

    fn array(&mut self, values: &Values) -> Result<u64> {
        let raw: Vec<u8> = values.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let address = self.append(&raw);
        // Contiguous.
        let mut layout = vec![3, 1];
        words(&mut layout, &[address, raw.len() as u64]);
        self.header(vec![
            (0x01, space(&values.shape)),
            (0x03, FLOAT.to_vec()),
            // No fill value: all is written.
            (0x05, vec![2, 2, 2, 0]),
            (0x08, layout),
        ])
    }

    fn header(&mut self, messages: Vec<(u16, Vec<u8>)>) -> Result<u64> {
        let mut body = Vec::new();
        let count = messages.len() as u16;
        for (kind, data) in messages {
            let size = data.len().next_multiple_of(8);
            let stored = u16::try_from(size)
                .ok()
                .context("an attribute is larger than HDF5's 64 KiB")?;
            body.extend(kind.to_le_bytes());
            body.extend(stored.to_le_bytes());
            body.extend([0; 4]);
            body.extend(data);
            body.resize(body.len().next_multiple_of(8), 0);
        }
        let mut header = vec![1, 0];
        header.extend(count.to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend((body.len() as u32).to_le_bytes());
        header.extend([0; 4]);
        header.extend(body);
        Ok(self.append(&header))
    }
}

fn words(to: &mut Vec<u8>, values: &[u64]) {
    to.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

/// The type of a 32-bit little-endian IEEE float.
const FLOAT: [u8; 20] = [
    0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0,
];

fn space(shape: &[usize]) -> Vec<u8> {
    let mut bytes = vec![1, shape.len() as u8, 0, 0, 0, 0, 0, 0];
    let sides: Vec<u64> = shape.iter().map(|&side| side as u64).collect();
    words(&mut bytes, &sides);
    bytes
}

fn attribute(name: &str, value: &Attribute) -> Vec<u8> {
    let (shape, texts): (Vec<usize>, Vec<&str>) = match value {
        Attribute::Text(text) => (Vec::new(), vec![text]),
        Attribute::Texts(texts) => (
            vec![texts.len()],
            texts.iter().map(String::as_str).collect(),
        ),
    };
    // Texts of one length, filled up with zeros, as NumPy's byte strings are.
    let size = texts
        .iter()
        .map(|text| text.len())
        .max()
        .unwrap_or(0)
        .max(1);
    let mut kind = vec![0x13, 0x11, 0, 0];
    kind.extend((size as u32).to_le_bytes());
    let space = space(&shape);

    let mut bytes = vec![1, 0];
    for length in [name.len() + 1, kind.len(), space.len()] {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(kind);
    bytes.extend(space);
    for text in texts {
        let end = bytes.len() + size;
        bytes.extend(text.as_bytes());
        bytes.resize(end, 0);
    }
    bytes
}
