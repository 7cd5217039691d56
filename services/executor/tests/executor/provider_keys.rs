use std::time::Duration;

use runmill_broker::{Broker, Envelope};
use runmill_proto::message::{ProviderKeyReply, ProviderKeyRequest};
use runmill_store::{ProviderReader, ProviderRow, ProviderWriter, SealedSecret, SecretKind};
use runmill_vault::{Keyring, Owner, ReplyKey, generate_hex};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::world::World;

const LONG: Duration = Duration::from_secs(30);
const KEY: &str = "sk-0123456789abcdef";

async fn add_key(world: &World) {
    let row = world.store.provider(world.smoke_test().provider_id).await.unwrap();
    let id = Uuid::now_v7();
    let secret = SealedSecret {
        id,
        kind: SecretKind::ApiKey,
        name: "main".into(),
        sealed: world.keyring.sealer().seal(Owner::provider_secret(id), &KEY.into()),
        masked: "...".into(),
        weight: 1,
    };
    let changed = ProviderRow { secrets: vec![secret], version: row.version + 1, ..row };
    world.store.update_provider(&changed).await.unwrap();
}

/// Asks as a dispatcher with these keys does. Returns the answer, and the key if it can be opened.
async fn ask(world: &World, keyring: &Keyring) -> (ProviderKeyReply, Option<String>) {
    let (id, reply_key) = (Uuid::now_v7(), ReplyKey::generate());
    let provider_id = world.smoke_test().provider_id;
    let question = ProviderKeyRequest { id, provider_id, reply_key: reply_key.sealed(&keyring.sealer(), id) };
    let answer = world.broker.request(Envelope::new(&question), LONG).await.unwrap();
    assert!(!answer.body.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "the key is in clear");
    let answer = answer.decode().unwrap();
    let key = match &answer {
        ProviderKeyReply::Key { sealed, .. } => reply_key.open(id, sealed).ok(),
        ProviderKeyReply::NoKey | ProviderKeyReply::Refused(_) => None,
    };
    (answer, key.map(|key| key.expose_secret().to_owned()))
}

#[tokio::test]
async fn the_key_of_the_next_call_is_given_for_one_request() {
    let world = World::new().await;
    world.start();
    assert_eq!(ask(&world, &world.keyring).await.0, ProviderKeyReply::NoKey);
    add_key(&world).await;

    let (answer, key) = ask(&world, &world.keyring).await;

    assert_eq!(key.as_deref(), Some(KEY));
    let shown = format!("{answer:?}");
    assert!(shown.contains("main") && !shown.contains(KEY) && !shown.contains("sealed"), "{shown}");
}

#[tokio::test]
async fn whoever_has_not_the_encryption_key_gets_no_key() {
    let world = World::new().await;
    add_key(&world).await;
    world.start();

    let (answer, _) = ask(&world, &Keyring::parse(&generate_hex()).unwrap()).await;

    let ProviderKeyReply::Refused(why) = answer else { panic!("{answer:?}") };
    assert!(why.contains("ENCRYPTION_KEY"), "{why}");
}
