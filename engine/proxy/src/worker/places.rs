//! Places under small keys. A place is empty before it is free: its key is not given out again until it is freed, so that
//! what is still to be done about the old holder cannot meet the new one.

/// Values by key. `free => taken => empty => free`.
#[derive(Debug)]
pub(crate) struct Places<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
    taken: usize,
}

// === impl Places ===

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), taken: 0 }
    }
}

impl<T> Places<T> {
    /// Takes a free place for the value; the key is the last one freed, or a new one.
    pub(crate) fn insert(&mut self, value: T) -> usize {
        self.taken += 1;
        let Some(key) = self.free.pop() else {
            self.places.push(Some(value));
            return self.places.len() - 1;
        };
        if let Some(place) = self.places.get_mut(key as usize) {
            *place = Some(value);
        }
        key as usize
    }

    #[inline]
    pub(crate) fn get(&self, key: usize) -> Option<&T> {
        self.places.get(key)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.places.get_mut(key)?.as_mut()
    }

    /// Empties a place; its key stays out of use until [`Self::free`].
    pub(crate) fn try_remove(&mut self, key: usize) -> Option<T> {
        let value = self.places.get_mut(key)?.take()?;
        self.taken -= 1;
        Some(value)
    }

    /// The key of a place that was emptied may be given out again: to be said once for each value that was removed.
    pub(crate) fn free(&mut self, key: usize) {
        debug_assert!(self.get(key).is_none() && !self.free.contains(&(key as u32)), "{key} is not empty");
        self.free.push(key as u32);
    }

    /// Places that are taken.
    pub(crate) fn len(&self) -> usize {
        self.taken
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> + '_ {
        self.places.iter().enumerate().filter_map(|(key, place)| place.as_ref().map(|value| (key, value)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> + '_ {
        self.places.iter_mut().enumerate().filter_map(|(key, place)| place.as_mut().map(|value| (key, value)))
    }
}
