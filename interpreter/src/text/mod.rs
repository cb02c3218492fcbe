//! Text and number formatting without any knowledge of the heap.
