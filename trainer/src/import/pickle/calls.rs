//! The few calls in a pickle that matter: those that rebuild tensors.

use anyhow::{Context, Result, bail, ensure};

use super::{Id, Object, TensorRef};

/// A call's result.
#[derive(Debug)]
pub enum Called {
    /// A value of its own.
    New(Object),
    /// One that was there.
    Known(Id),
}

/// What a call gives, as far as it is of interest.
pub fn call(objects: &[Object], function: Id, arguments: Id) -> Result<Called> {
    let Object::Global(name) = get(objects, function) else {
        return Ok(Called::New(Object::Other));
    };
    let arguments = match get(objects, arguments) {
        Object::List(items) => items.as_slice(),
        _ => &[],
    };
    Ok(match name.as_str() {
        "collections.OrderedDict" => Called::New(Object::Dict(Vec::new())),
        // A parameter is a tensor with settings for training.
        "torch._utils._rebuild_parameter" => match arguments.first() {
            Some(&tensor) => Called::Known(tensor),
            None => Called::New(Object::Other),
        },
        "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => {
            let tensor = tensor(objects, arguments).context("a tensor is damaged")?;
            Called::New(Object::Tensor(Box::new(tensor)))
        }
        _ => Called::New(Object::Other),
    })
}

/// Storage, offset, sides, strides, and settings of no interest.
fn tensor(objects: &[Object], arguments: &[Id]) -> Result<TensorRef> {
    let [storage, offset, shape, strides, ..] = arguments else {
        bail!("it has {} parts", arguments.len());
    };
    let Object::Persistent(storage) = get(objects, *storage) else {
        bail!("it has no storage");
    };
    // ("storage", class, key, device, length)
    let Object::List(storage) = get(objects, *storage) else {
        bail!("its storage is not described");
    };
    let (class, key) = match storage.get(1..3) {
        Some(&[class, key]) => (get(objects, class), get(objects, key)),
        _ => bail!("its storage is not described"),
    };
    let (Object::Global(class), Object::Text(key)) = (class, key) else {
        bail!("its storage is not described");
    };
    // Both are kept with every tensor, and may be referred to without end.
    ensure!(class.len().max(key.len()) <= 64, "a name is too long");
    Ok(TensorRef {
        storage: class.rsplit('.').next().unwrap_or(class).into(),
        key: key.clone(),
        offset: size(objects, *offset)?,
        shape: sizes(objects, *shape)?,
        strides: sizes(objects, *strides)?,
    })
}

fn size(objects: &[Object], id: Id) -> Result<usize> {
    match get(objects, id) {
        Object::Int(value) => usize::try_from(*value).context("it has a negative size"),
        _ => bail!("a size is no number"),
    }
}

fn sizes(objects: &[Object], id: Id) -> Result<Vec<usize>> {
    match get(objects, id) {
        Object::List(items) if items.len() <= 8 => {
            items.iter().map(|&item| size(objects, item)).collect()
        }
        Object::List(_) => bail!("it has too many sides"),
        _ => bail!("its sides are no list"),
    }
}

fn get(objects: &[Object], id: Id) -> &Object {
    objects.get(id).unwrap_or(&Object::Other)
}
