use super::{Stores, world::at};
use crate::Need;

pub async fn the_largest_need_of_an_interval_is_kept_until_it_is_old(stores: &Stores) {
    let need = |seconds, executors| Need { at: at(seconds), executors };
    for (store, need) in [
        (&stores.one, need(10, 3)),
        (&stores.other, need(10, 5)),
        (&stores.one, need(10, 4)),
        (&stores.other, need(20, 1)),
    ] {
        store.record_need(need, at(0)).await.unwrap();
    }

    assert_eq!(stores.one.needs(at(0)).await.unwrap(), [need(10, 5), need(20, 1)]);
    assert_eq!(stores.other.needs(at(11)).await.unwrap(), [need(20, 1)]);

    stores.one.record_need(need(30, 2), at(20)).await.unwrap();
    assert_eq!(stores.other.needs(at(0)).await.unwrap(), [need(20, 1), need(30, 2)]);
}
