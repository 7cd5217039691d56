use runmill_proto::api::Settings;

use super::Stores;

pub async fn settings_begin_as_the_defaults(stores: &Stores) {
    assert_eq!(stores.one.settings().await.unwrap(), (Settings::default(), 0));
}

pub async fn each_change_of_settings_grows_their_version(stores: &Stores) {
    let mut settings = Settings::default();
    settings.retry.max_retries = 9;

    assert_eq!(stores.one.put_settings(&Settings::default()).await.unwrap(), 1);
    assert_eq!(stores.other.put_settings(&settings).await.unwrap(), 2);

    assert_eq!(stores.one.settings().await.unwrap(), (settings, 2));
}
