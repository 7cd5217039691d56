use std::slice::from_ref;

use runmill_proto::{AuditId, Tenant, TokenId, api::AuditEntry};
use uuid::Uuid;

use super::{Stores, world::at};

fn entry(number: u128, tenant: &Tenant) -> AuditEntry {
    AuditEntry {
        id: AuditId::from_uuid(Uuid::from_u128(number)),
        at: at(1),
        tenant: tenant.clone(),
        token: "ci".into(),
        token_id: Some(TokenId::from_uuid(Uuid::from_u128(7))),
        action: "run.create".into(),
        object: Some("run_1".into()),
        detail: None,
    }
}

/// Id from which entries are kept if none is old.
const ALL: AuditId = AuditId::from_uuid(Uuid::nil());

pub async fn entries_are_paged_newest_first_and_by_tenant(stores: &Stores) {
    let store = &stores.one;
    let (first, other) = (Tenant::default(), "other".parse().unwrap());
    let plain = AuditEntry { token_id: None, object: None, detail: Some("x".into()), ..entry(3, &first) };
    let entries = [entry(1, &first), entry(2, &other), plain];
    for entry in &entries {
        store.append_audit(entry, ALL).await.unwrap();
    }

    let [oldest, others, newest] = entries;
    let page = stores.other.audit(None, None, 2).await.unwrap();
    assert_eq!(page, [newest.clone(), others.clone()]);
    assert_eq!(store.audit(None, Some(others.id), 2).await.unwrap(), from_ref(&oldest));
    assert_eq!(store.audit(Some(&first), None, 9).await.unwrap(), [newest, oldest]);
    assert_eq!(store.audit(Some(&other), None, 9).await.unwrap(), [others]);
}

pub async fn old_entries_are_deleted(stores: &Stores) {
    let store = &stores.one;
    let tenant = Tenant::default();
    store.append_audit(&entry(1, &tenant), ALL).await.unwrap();

    let (kept, new) = (entry(2, &tenant), entry(3, &tenant));
    store.append_audit(&kept, ALL).await.unwrap();
    store.append_audit(&new, kept.id).await.unwrap();

    assert_eq!(store.audit(None, None, 9).await.unwrap(), [new, kept]);
}
