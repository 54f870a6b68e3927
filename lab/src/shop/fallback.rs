//! Fallback: what the shop says in a dependency's place. A sale that is settled later, and stock
//! as it was last known, are better business than a closed shop.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use crate::topology::Role;

/// Substitutes for answers, and what has to be remembered for them.
#[derive(Default)]
pub(crate) struct Fallback {
    last_stock: Mutex<HashMap<u32, Value>>,
}

impl Fallback {
    /// Remembers what an answer about `item` said, if that may be of use later.
    pub(crate) fn learn(&self, role: Role, item: u32, answer: &Map<String, Value>) {
        if let (Role::Inventory, Some(stock)) = (role, answer.get("stock")) {
            self.stock().insert(item, stock.clone());
        }
    }

    /// What to say in the place of `role`.
    pub(crate) fn substitute(&self, role: Role, item: u32) -> Map<String, Value> {
        let (key, value) = match role {
            Role::Inventory => {
                // An item nobody has asked for yet: not knowing is what there is to say.
                (
                    "stock",
                    self.stock().get(&item).cloned().unwrap_or(Value::Null),
                )
            }
            Role::Recommendations => ("items", json!(["gift card"])),
            _ => ("payment", json!("deferred")),
        };
        Map::from_iter([(key.to_owned(), value)])
    }

    fn stock(&self) -> MutexGuard<'_, HashMap<u32, Value>> {
        self.last_stock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_is_what_it_last_was() {
        let fallback = Fallback::default();
        assert_eq!(
            fallback.substitute(Role::Inventory, 3)["stock"],
            Value::Null
        );
        for stock in [7, 6] {
            let answer = Map::from_iter([("stock".to_owned(), json!(stock))]);
            fallback.learn(Role::Inventory, 3, &answer);
        }
        assert_eq!(fallback.substitute(Role::Inventory, 3)["stock"], json!(6));
        assert_eq!(
            fallback.substitute(Role::Inventory, 4)["stock"],
            Value::Null
        );
    }

    #[test]
    fn payment_is_deferred() {
        assert_eq!(
            Fallback::default().substitute(Role::Payments, 1)["payment"],
            "deferred"
        );
    }
}
