export default {
  en: {
    'domains.search': 'Name or tenant', 'domains.hint': 'A name, a piece of one, a pasted URL, a parent like kintone.com, or how a tenant begins.',
    'domains.any': 'any', 'domains.suffix': 'Below', 'domains.live': 'live', 'domains.held': 'held',
    'domains.read': 'Read as', 'domains.exact': 'This very name', 'domains.isheld': 'held', 'domains.heldby': 'Held by token', 'domains.until': 'Until', 'domains.actions': 'Actions',
    'domains.tenants': 'Tenants that begin with “{text}”', 'domains.tenants.more': 'There are more. Type on.', 'domains.count': '{n} domains', 'domains.count.one': '{n} domain', 'domains.split': 'in several places',
    'domains.beginning': 'Names that begin with “{text}”', 'domains.containing': 'Names that contain “{text}”', 'domains.noother': 'No other name contains it.', 'domains.all': 'All names', 'domains.allheld': 'Names that are held',
    'domains.changed': 'Changed', 'domains.nothing': 'No name fits.', 'domains.empty': 'No domain is registered yet.', 'domains.nonheld': 'No name is held.',
    'domains.register': 'Register a domain', 'domains.register.this': 'Register this name',
  },
  ja: {
    'domains.search': '名前またはテナント', 'domains.hint': '名前、名前の一部、URL の貼り付け、kintone.com のような親ドメイン、テナント名の先頭で検索できます。',
    'domains.any': 'すべて', 'domains.suffix': '親ドメイン', 'domains.live': '登録済み', 'domains.held': '確保中',
    'domains.read': '解釈した名前:', 'domains.exact': '一致する名前', 'domains.isheld': '確保中', 'domains.heldby': '確保したトークン', 'domains.until': '期限', 'domains.actions': '操作',
    'domains.tenants': '「{text}」で始まるテナント', 'domains.tenants.more': 'ほかにもあります。続けて入力してください。', 'domains.count': '{n} ドメイン', 'domains.split': '複数の場所',
    'domains.beginning': '「{text}」で始まる名前', 'domains.containing': '「{text}」を含む名前', 'domains.noother': 'これを含む名前はほかにありません。', 'domains.all': 'すべての名前', 'domains.allheld': '確保中の名前',
    'domains.changed': '最終変更', 'domains.nothing': '一致する名前はありません。', 'domains.empty': '登録されたドメインはまだありません。', 'domains.nonheld': '確保中の名前はありません。',
    'domains.register': 'ドメインを登録', 'domains.register.this': 'この名前を登録',
  },
};
