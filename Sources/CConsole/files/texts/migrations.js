export default {
  en: {
    'migrations.new': 'Plan a migration', 'migrations.state': 'State', 'migrations.all': 'All', 'migrations.way': 'From → to',
    'migrations.progress': 'Progress', 'migrations.waves': 'Waves', 'migrations.planned': 'Planned',
    'migrations.none': 'Nobody has planned a migration yet.', 'migrations.none.state': 'No migration is in this state.',
    'migrations.empty': 'Nothing could move.',
  },
  ja: {
    'migrations.new': '移行を計画', 'migrations.state': '状態', 'migrations.all': 'すべて', 'migrations.way': '移行元 → 移行先',
    'migrations.progress': '進捗', 'migrations.waves': 'ウェーブ', 'migrations.planned': '計画',
    'migrations.none': '移行はまだ計画されていません。', 'migrations.none.state': 'この状態の移行はありません。',
    'migrations.empty': '移動できるドメインがありませんでした。',
  },
};
