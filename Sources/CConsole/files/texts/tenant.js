export default {
  en: {
    'tenant.count': '{n} domains', 'tenant.count.one': '{n} domain', 'tenant.places': 'Where it lives', 'tenant.registered': 'Registered', 'tenant.changed': 'Changed',
    'tenant.none': 'No domain has this tenant.', 'tenant.split': 'Its domains are in several places. A customer’s data should live in one.',
    'tenant.move': 'Move all…', 'tenant.unite': 'Bring all to one place…', 'tenant.mode': 'Set the mode of all…', 'tenant.register': 'Register a domain for it…',
    'tenant.move.title': 'Move {tenant}', 'tenant.move.words': 'All its domains, in one revision. Visitors are sent to the other location as soon as the proxies know. Data isn’t copied by this.', 'tenant.move.go': 'Move all',
    'tenant.mode.title': 'Set the mode of {tenant}', 'tenant.mode.words': 'All its domains, in one revision.', 'tenant.mode.go': 'Set the mode', 'tenant.all': 'All {n} domains', 'tenant.all.one': 'Its domain',
    'tenant.stay': '{n} domains stay at', 'tenant.stay.one': '{n} domain stays at', 'tenant.done': '{n} domains changed: revision {revision}', 'tenant.done.one': '{n} domain changed: revision {revision}',
  },
  ja: {
    'tenant.count': '{n} ドメイン', 'tenant.places': '所在', 'tenant.registered': '登録', 'tenant.changed': '最終変更',
    'tenant.none': 'このテナントのドメインはありません。', 'tenant.split': 'ドメインが複数の場所に分かれています。お客様のデータは一か所にまとめてください。',
    'tenant.move': 'すべて移動…', 'tenant.unite': '一か所にまとめる…', 'tenant.mode': 'すべてのモードを設定…', 'tenant.register': 'このテナントのドメインを登録…',
    'tenant.move.title': '{tenant} の移動', 'tenant.move.words': 'すべてのドメインを 1 つのリビジョンで移動します。プロキシに伝わり次第、アクセスは移動先に送られます。データはコピーされません。', 'tenant.move.go': 'すべて移動',
    'tenant.mode.title': '{tenant} のモードの設定', 'tenant.mode.words': 'すべてのドメインを 1 つのリビジョンで変更します。', 'tenant.mode.go': 'モードを設定', 'tenant.all': '全 {n} ドメイン',
    'tenant.stay': '{n} ドメインはそのまま:', 'tenant.done': '{n} ドメインを変更しました: リビジョン {revision}',
  },
};
