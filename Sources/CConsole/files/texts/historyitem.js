export default {
  en: {
    'action.migration_planned': 'migration planned', 'action.migration_finalized': 'migration finalized', 'action.migration_cancelled': 'migration cancelled',
    'action.wave_approved': 'wave approved', 'action.location_changed': 'location changed', 'action.token_created': 'token created',
    'action.token_revoked': 'token revoked', 'action.webhook_changed': 'webhook changed',
    'field.location': 'Location', 'field.mode': 'Mode', 'field.tenant': 'Tenant', 'field.fence': 'Fenced when cut off', 'field.held_until': 'Held until', 'field.holder': 'Held by token',
    'field.upstream': 'Upstream', 'field.accepts_signups': 'Takes signups', 'field.default_for_signups': 'Default for signups', 'field.dns': 'DNS',
    'field.name': 'Name', 'field.role': 'Role', 'field.expires_at': 'Expires', 'field.from': 'From', 'field.to': 'To', 'field.freeze': 'Freeze',
    'field.state': 'State', 'field.plan_digest': 'Plan', 'field.waves': 'Waves', 'field.wave': 'Wave', 'field.url': 'URL', 'field.actions': 'Actions', 'field.fingerprint': 'Fingerprint',
    'field.none': 'none', 'field.yes': 'yes', 'field.no': 'no',
    'item.token': 'Token {id}', 'item.wave': 'Wave {wave} of {migration}', 'item.override': 'guard set aside', 'item.split': 'apart from its tenant’s other domains',
  },
  ja: {
    'action.migration_planned': '移行の計画', 'action.migration_finalized': '移行の確定', 'action.migration_cancelled': '移行の取り消し',
    'action.wave_approved': 'ウェーブの承認', 'action.location_changed': 'ロケーションの変更', 'action.token_created': 'トークンの作成',
    'action.token_revoked': 'トークンの失効', 'action.webhook_changed': 'Webhook の変更',
    'field.location': 'ロケーション', 'field.mode': 'モード', 'field.tenant': 'テナント', 'field.fence': '切断時のモード', 'field.held_until': '確保の期限', 'field.holder': '確保したトークン',
    'field.upstream': 'アップストリーム', 'field.accepts_signups': '新規登録の受付', 'field.default_for_signups': '新規登録の既定', 'field.dns': 'DNS',
    'field.name': '名前', 'field.role': 'ロール', 'field.expires_at': '有効期限', 'field.from': '移行元', 'field.to': '移行先', 'field.freeze': '凍結方法',
    'field.state': '状態', 'field.plan_digest': '計画', 'field.waves': 'ウェーブ', 'field.wave': 'ウェーブ', 'field.url': 'URL', 'field.actions': '対象の操作', 'field.fingerprint': 'フィンガープリント',
    'field.none': 'なし', 'field.yes': 'はい', 'field.no': 'いいえ',
    'item.token': 'トークン {id}', 'item.wave': '{migration} のウェーブ {wave}', 'item.override': '保護を解除', 'item.split': 'テナントの他のドメインと別の場所',
  },
};
