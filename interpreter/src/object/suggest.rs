//! "Did you mean": the closest of a set of names.

/// Names longer than this are not compared.
const MAX_LEN: usize = 40;
const MOVE_COST: usize = 2;
const CASE_COST: usize = 1;

/// The candidate nearest to `wrong` by edit distance, if one is near enough (CPython's bound: a third of the moves).
pub fn closest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(&str, usize)> = None;
    if wrong.len() > MAX_LEN {
        return None;
    }
    for name in candidates {
        if name == wrong {
            continue;
        }
        let limit = (name.len() + wrong.len() + 3) * MOVE_COST / 6;
        let limit = best.map_or(limit, |(_, d)| limit.min(d.saturating_sub(1)));
        if let Some(d) = distance(wrong.as_bytes(), name.as_bytes(), limit)
            && best.is_none_or(|(_, b)| d < b)
        {
            best = Some((name, d));
        }
    }
    best.map(|(name, _)| name)
}

/// Levenshtein distance with cheap case changes; None above `limit`.
fn distance(a: &[u8], b: &[u8], limit: usize) -> Option<usize> {
    if b.len() > MAX_LEN || a.len().abs_diff(b.len()) * MOVE_COST > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).map(|i| i * MOVE_COST).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = (i + 1) * MOVE_COST;
        for (j, &y) in b.iter().enumerate() {
            let change = if x == y {
                0
            } else if x.eq_ignore_ascii_case(&y) {
                CASE_COST
            } else {
                MOVE_COST
            };
            let next = (diagonal + change).min(row[j] + MOVE_COST).min(row[j + 1] + MOVE_COST);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row.last().copied().filter(|&d| d <= limit)
}
