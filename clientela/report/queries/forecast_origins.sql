select origin_on, target, holdout_days, customers, actual_total, expected_total, error_in_total, candidate, reason
from quality.value_model_scores
where
    kind = 'score' and origin_on is not null
    and measured_on = (select max(measured_on) from quality.value_model_scores where kind = 'score')
    and candidate = (
        select max(candidate) from quality.value_model_scores as chosen
        where
            chosen.is_chosen and chosen.kind = 'score' and chosen.origin_on is null
            and chosen.target = value_model_scores.target and chosen.measured_on = value_model_scores.measured_on
    )
order by target, origin_on
