select target, candidate, reason
from quality.value_model_scores
where
    kind = 'score' and is_chosen and origin_on is null
    and measured_on = (select max(measured_on) from quality.value_model_scores)
order by target
