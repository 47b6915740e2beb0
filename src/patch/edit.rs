//! Files changed in place: what is not touched keeps its order, its comments and its spaces.

use toml_edit::{Decor, DocumentMut, InlineTable, Item, RawString, Table, Value};

/// A text that can be changed; `None` where it is not TOML.
pub(super) fn open(text: &str) -> Option<DocumentMut> {
    text.parse().ok()
}

/// A number as people write it: whole ones without a point.
pub(super) fn number(x: f64) -> Value {
    // Beyond this not every whole number is one.
    let whole = x.fract() == 0.0 && x.abs() < 9e15;
    if whole { Value::from(x as i64) } else { Value::from(x) }
}

/// A single-precision number, without the digits that a wider one would add.
pub(super) fn single(x: f32) -> Value {
    number(x.to_string().parse().unwrap_or(f64::from(x)))
}

/// The table at a key of a table, made where there is none or something else; for the root, `document.as_item_mut()`.
pub(super) fn section<'a>(table: &'a mut Item, key: &str) -> &'a mut Item {
    let is_table = table.get(key).is_some_and(Item::is_table_like);
    let section = &mut table[key];
    if !is_table {
        *section = Item::Table(Table::new());
    }
    section
}

/// Puts a value at a key of a table. The comments and spaces around one that stood there stay; a new one comes last. What is no
/// table stays as it is.
pub(super) fn set(table: &mut Item, key: &str, mut value: Value) {
    if let Some(item) = table.get_mut(key).filter(|item| !item.is_none()) {
        if let Some(before) = item.as_value() {
            *value.decor_mut() = before.decor().clone();
        }
        *item = Item::Value(value);
        return;
    }
    match table {
        Item::Value(Value::InlineTable(inline)) => {
            // In `{ a = 1 }` the space before the brace belongs to the last value: it stays before the brace.
            let mut space = " ".to_owned();
            if let Some(last) = last(inline) {
                space = suffix(last);
                last.decor_mut().set_suffix("");
            }
            *value.decor_mut() = Decor::new(" ", space);
            inline.insert(key, value);
            if let Some(mut key) = inline.key_mut(key) {
                *key.leaf_decor_mut() = Decor::new(" ", " ");
            }
        }
        other => {
            if let Some(table) = other.as_table_like_mut() {
                table.insert(key, Item::Value(value));
            }
        }
    }
}

/// Takes a key out of a table.
pub(super) fn remove(table: &mut Item, key: &str) {
    let removed = table.as_table_like_mut().and_then(|table| table.remove(key));
    if let (Item::Value(Value::InlineTable(inline)), Some(Item::Value(value))) = (table, removed)
        && let Some(last) = last(inline)
        && suffix(last).is_empty()
    {
        last.decor_mut().set_suffix(suffix(&value));
    }
}

fn last(inline: &mut InlineTable) -> Option<&mut Value> {
    inline.iter_mut().last().map(|(_, value)| value)
}

fn suffix(value: &Value) -> String {
    value.decor().suffix().and_then(RawString::as_str).unwrap_or("").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_value_stays() {
        let text = "# top\na = 1 # one\n\n[t] # a table\nb   =  2    # two\nc = { d = 1, e = 2 } # in line\nf.g = 3\n";
        let mut document = open(text).unwrap();
        let root = document.as_item_mut();
        set(root, "a", number(1.5));
        let t = section(root, "t");
        set(t, "b", Value::from("x"));
        set(t, "h", Value::from(true));
        let c = section(t, "c");
        set(c, "d", number(2.0));
        set(c, "z", single(0.1));
        remove(c, "e");
        set(section(t, "f"), "k", number(-1.0));
        let want =
            "# top\na = 1.5 # one\n\n[t] # a table\nb   =  \"x\"    # two\nc = { d = 2, z = 0.1 } # in line\nf.g = 3\nf.k = -1\nh = true\n";
        assert_eq!(document.to_string(), want);
        let c = section(section(document.as_item_mut(), "t"), "c");
        remove(c, "z");
        assert_eq!(c.to_string(), " { d = 2 } # in line");
        remove(c, "d");
        set(c, "n", number(1.0));
        assert!(document.to_string().contains("c = { n = 1 } # in line"), "{document}");
        set(section(document.as_item_mut(), "new"), "x", number(1.0));
        assert!(document.to_string().ends_with("[new]\nx = 1\n"), "{document}");
        assert!(open("a = ").is_none());
    }
}
