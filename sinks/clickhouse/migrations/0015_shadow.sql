ALTER TABLE readings MODIFY COLUMN `flag_names` Array(String) ALIAS arrayMap(bit -> ['clock_invalid', 'clock_doubtful', 'counter_late', 'template_unverified', 'off_grid', 'plain', 'bit 6', 'bit 7', 'bit 8', 'bit 9', 'head_end', 'head_end_estimated', 'head_end_suspect', 'head_end_edited', 'discarded', 'shadow'][bit + 1], bitPositionsToArray(flags)) COMMENT 'names of the bits of `flags`';

ALTER TABLE snapshots MODIFY COLUMN `flag_names` Array(String) ALIAS arrayMap(bit -> ['clock_invalid', 'clock_doubtful', 'counter_late', 'template_unverified', 'off_grid', 'plain', 'bit 6', 'bit 7', 'bit 8', 'bit 9', 'head_end', 'head_end_estimated', 'head_end_suspect', 'head_end_edited', 'discarded', 'shadow'][bit + 1], bitPositionsToArray(flags)) COMMENT 'names of the bits of `flags`';

ALTER TABLE days MODIFY COLUMN `register_notes` Array(String) ALIAS arrayMap(bit -> ['opening', 'closing', 'scaled', 'several days', 'exchanged', 'V14 told', 'V25 told', 'V21 told', 'outage'][bit + 1], bitPositionsToArray(registers)) COMMENT 'opening, closing: known at that end; scaled: substitutes were made to meet them; several days: over a longer span; exchanged: the meter was; V14 told: an interval fails the rule, and stayed as it is; outage: one fell into it';

ALTER TABLE days MODIFY COLUMN `registers` UInt16 COMMENT 'bits of what is known of the registers; `register_notes` spells them' CODEC(LZ4);
