//! A map for few entries: a sorted vector.
//!
//! For what is looked at seldom, such as which signals are heard, it is a tenth of the code of std's maps, which
//! each program would carry.

/// A map whose keys are in order.
#[derive(Clone, Debug)]
pub(crate) struct SortedMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord, V> SortedMap<K, V> {
    /// The place of a key: where it is, or where it would go.
    fn place(&self, key: K) -> Result<usize, usize> {
        self.0.binary_search_by_key(&key, |entry| entry.0)
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.place(key).ok().map(|place| &self.0[place].1)
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.place(key).ok().map(|place| &mut self.0[place].1)
    }

    /// Gives back the value that was there before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(key) {
            Ok(place) => Some(std::mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (key, value));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        self.place(key).ok().map(|place| self.0.remove(place).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|entry| (entry.0, &entry.1))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|entry| &mut entry.1)
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = V> {
        self.0.into_iter().map(|entry| entry.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_what_a_map_does() {
        let mut map = SortedMap::default();
        for key in [5, 1, 3] {
            assert_eq!(map.insert(key, key * 10), None);
        }
        assert_eq!(map.insert(3, 31), Some(30));
        assert_eq!((map.get(3), map.get(2)), (Some(&31), None));
        *map.get_mut(1).unwrap() += 1;
        assert_eq!(map.get_mut(4), None);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(1, &11), (3, &31), (5, &50)]);
        map.values_mut().for_each(|value| *value += 1);
        assert_eq!((map.remove(3), map.remove(3)), (Some(32), None));
        assert_eq!(map.into_values().collect::<Vec<_>>(), [12, 51]);
    }
}
