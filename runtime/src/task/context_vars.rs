//! The context variables of a task: few values, copied from parent to child.

use std::any::Any;
use std::sync::Arc;

/// One value, by the address of its variable.
pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// The variables that are set in a task. A child starts with its parent's: the list is shared until
/// one of them changes it.
#[derive(Clone, Default)]
pub(crate) struct Variables(Option<Arc<Vec<(usize, Value)>>>);

impl Variables {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn get(&self, key: usize) -> Option<Value> {
        let list = self.0.as_deref()?;
        list.iter().find(|(k, _)| *k == key).map(|(_, v)| v.clone())
    }

    /// Sets the variable `key`, or unsets it; gives the old value.
    pub(crate) fn set(&mut self, key: usize, value: Option<Value>) -> Option<Value> {
        let list = Arc::make_mut(self.0.get_or_insert_default());
        let at = list.iter().position(|(k, _)| *k == key);
        let old = match (at, value) {
            (Some(i), Some(value)) => Some(std::mem::replace(&mut list[i].1, value)),
            (Some(i), None) => Some(list.swap_remove(i).1),
            (None, Some(value)) => {
                list.push((key, value));
                None
            }
            (None, None) => None,
        };
        if list.is_empty() {
            self.0 = None;
        }
        old
    }
}
