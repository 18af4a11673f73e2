//! API keys and values of the first start.

use super::{Store, StoreError};

impl Store {
    /// The one API key, if there is one.
    pub(crate) async fn api_key(&self) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT api_key FROM api_keys LIMIT 1").fetch_optional(&self.pool).await?)
    }

    /// Takes `api_key` over on the very first start and never again.
    pub async fn take_initial_values(&self, api_key: Option<&str>, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let first = sqlx::query("INSERT OR IGNORE INTO marks (name) VALUES ('initialised')")
            .execute(&mut *transaction)
            .await?
            .rows_affected()
            == 1;
        if let (true, Some(api_key)) = (first, api_key) {
            sqlx::query("INSERT INTO api_keys (api_key, creation_date) VALUES (?, ?)")
                .bind(api_key)
                .bind(now_ms)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
